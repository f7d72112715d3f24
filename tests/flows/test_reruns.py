"""One stage of an earlier run again, from its deployment: what is computed, what is reused, and what is stale then."""

import json
import subprocess
import sys
from typing import Any

import pytest

from lm.stages import position, stage_names
from tests.conftest import PROJECT
from tests.flows.conftest import Services

pytestmark = [pytest.mark.operations, pytest.mark.timeout(900)]
CHANGES = {
    "clean": ("clean.heldout_fraction=0.2", "clean.heldout_fraction 0.1 → 0.2"),
    "tokenize": ("tokenize.vocab_size=300", "tokenize.vocab_size none → 300"),
    "train": ("train.seed=5", "train.seed 1 → 5"),
    "evaluate": ("evaluate.resamples=120", "evaluate.resamples 100 → 120"),
    "generate": ("generate.temperature=0.5", "generate.temperature 0.8 → 0.5"),
}


@pytest.fixture(scope="module")
def original(services: Services) -> str:
    """A complete run, by its name."""
    train = services.config()["train"] | {"steps": 60}
    done = services.deploy("pipeline/quick", "--watch", "-p", "run_id=original", train=train)
    assert done.returncode == 0, done.stdout + done.stderr
    return "original"


def rerun(services: Services, stage: str, like: str, *settings: str) -> dict[str, dict[str, Any]]:
    """Run a stage's deployment as people do, and return what `inspect --why` says of each stage then."""
    name = f"again-{stage}"
    parameters = {"like": like, "settings": settings, "run_id": name}
    options = [word for key, value in parameters.items() for word in ("-p", f"{key}={json.dumps(value)}")]
    done = services.prefect("deployment", "run", f"{stage}/local", "--watch", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [sys.executable, "-m", "lm", "inspect", name, "--why", "--json"]
    told = subprocess.run(command, cwd=PROJECT, env=services.environment, capture_output=True, text=True, check=True)
    return {why["stage"]: why for why in json.loads(told.stdout)["stages"]}


@pytest.mark.parametrize("stage", CHANGES)
def test_a_stage_again_with_another_setting(services: Services, original: str, stage: str) -> None:
    """Only that stage is computed, for the reason that was given; those after it are stale, and none before is."""
    setting, difference = CHANGES[stage]
    why = rerun(services, stage, original, setting)
    at = position(stage)
    assert {name: why[name]["status"] for name in stage_names()[:at]} == dict.fromkeys(stage_names()[:at], "reused")
    assert why[stage]["status"] == "computed"
    assert difference in why[stage]["differences"]
    assert why[stage]["stale"] == ""
    for name in stage_names()[at + 1 :]:
        if (stage in ("clean", "tokenize", "train") and name != "generate") or (stage, name) == ("train", "generate"):
            assert why[name]["stale"], f"{name} after {stage}"


def test_the_text_again_after_it_has_changed(services: Services, original: str) -> None:
    """A new file in the folder: the newest run's download again finds it, and everything after it is stale."""
    (services.corpus / "new.txt").write_text("A word that was never there before.\n" * 40)
    why = rerun(services, "download", "newest")
    assert why["download"]["differences"] == ["new: letters-new.txt"]
    assert all(why[name]["stale"] for name in stage_names()[1:])


def test_a_run_that_there_is_not_is_said(services: Services, original: str) -> None:
    """A misspelt name ends the run with the names that it may have meant."""
    refused = services.prefect("deployment", "run", "train/local", "--watch", "-p", "like=orignal")
    assert refused.returncode == 1
    state = services.newest_run()["state"]
    assert state["name"] == "BadInput"
    assert "did you mean original" in state["message"]
