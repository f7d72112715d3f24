"""A server, a worker and the deployments, as `make up` starts them: what people do with them from a terminal."""

import json
import re
from typing import Any

import pytest

from tests.flows.conftest import Services


@pytest.fixture(scope="module")
def cancelled(services: Services) -> dict[str, Any]:
    """A pipeline run that was cancelled from the terminal while it trained, with the checkpoint it left."""
    begun = services.deploy("pipeline/quick")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    services.wait_for(lambda: services.checkpoints())
    flow_run = services.newest_run()
    done = services.prefect("flow-run", "cancel", flow_run["id"])
    assert done.returncode == 0, done.stdout + done.stderr
    services.wait_for(lambda: services.newest_run()["state_type"] == "CANCELLED")
    services.wait_for(lambda: not services.trainings())
    return services.newest_run() | {"checkpoints": services.checkpoints()}


@pytest.fixture(scope="module")
def complete(services: Services, cancelled: dict[str, Any]) -> dict[str, Any]:
    """The same run asked for again: it goes on where it was cancelled, to its end."""
    done = services.deploy("pipeline/quick", "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
    return services.newest_run()


def test_status_says_what_runs(services: Services) -> None:
    """`make status` names the server, the worker and the address to look at, and says with its code that all is up."""
    status = services.make("status")
    assert status.returncode == 0
    assert re.search(r"server +runs, process \d+\nworker +runs, process \d+\nlook at +http://127", status.stdout)


@pytest.mark.parametrize("config", [{"minuets": 3}, {"train": {"laeyrs": 3}}])
def test_a_wrong_key_is_refused_by_name_before_a_run_exists(services: Services, config: dict[str, Any]) -> None:
    """A misspelt parameter never becomes a run that trains with a default instead."""
    before = len(services.api("flow_runs/filter", limit=200))
    refused = services.prefect("deployment", "run", "pipeline/quick", "-p", f"config={json.dumps(config)}")
    said = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode == 1
    assert ("minuets" if "minuets" in config else "laeyrs") in said
    assert len(services.api("flow_runs/filter", limit=200)) == before


def test_the_form_explains_every_setting(services: Services) -> None:
    """Prefect draws the form from the schema: each setting has its type there, and words that explain it."""
    schema = services.api("deployments/name/pipeline/quick")["parameter_openapi_schema"]
    assert all("description" in parameter for parameter in schema["properties"].values())
    for name, definition in schema["definitions"].items():
        assert definition["additionalProperties"] is False, name
        for setting, field in definition["properties"].items():
            assert "description" in field or "$ref" in field or "allOf" in field, f"{name}.{setting}"


def test_a_cancelled_training_has_saved(services: Services, cancelled: dict[str, Any]) -> None:
    """`prefect flow-run cancel` ends a training in order: Cancelled, a checkpoint on disk, no process left of it, and
    what the run says of itself, before its worker would, with no traceback in its log.
    """
    assert cancelled["state_name"] == "Cancelled"
    assert cancelled["state"]["message"] == "cancelled; what was saved is kept"
    assert "Traceback" not in services.log(cancelled)
    assert cancelled["checkpoints"]
    record = services.record(cancelled)
    assert (record["status"], record["reason"]) == ("stopped", "interrupted")


def test_the_same_run_again_goes_on_from_there(
    services: Services, cancelled: dict[str, Any], complete: dict[str, Any]
) -> None:
    """After a cancel nothing is trained twice: the next run starts at the newest checkpoint and completes."""
    record = services.record(complete)
    assert record["status"] == "completed"
    assert record["stages"]["train"]["resumed_from_step"] == cancelled["checkpoints"][-1]
    assert record["stages"]["clean"]["status"] == "reused"


def test_runs_are_named_after_what_they_do(complete: dict[str, Any]) -> None:
    """In a list of runs one sees which corpus was trained on and for how long."""
    assert re.fullmatch(r"letters-0\.2min-[0-9a-f]{6}", complete["name"])


def test_every_stage_leaves_a_page(services: Services, complete: dict[str, Any]) -> None:
    """A run's artifacts tell what each stage made, with pictures and samples; a text's markup stays text."""
    wanted = {"flow_runs": {"id": {"any_": [complete["id"]]}}}
    pages = {page["key"]: page for page in services.api("artifacts/filter", **wanted, limit=200)}
    stages = {"download", "clean", "plan", "tokenize", "train", "compressors", "evaluate", "generate"}
    assert set(pages) == stages | {"training", "stages", "run", "lineage", "learning-curve", "memory", "samples"}
    assert all(page["description"] for page in pages.values())
    assert pages["training"]["data"] == 100
    assert "5\\-gram" in pages["evaluate"]["data"]
    assert "letters\\/00\\.txt" in pages["download"]["data"]
    assert pages["learning-curve"]["data"].startswith("![learning\\-curve](data:image/png;base64,")
    assert str(services.root) in pages["run"]["data"]
    assert "\\<img src\\=x\\>" in pages["samples"]["data"]
    assert "<img" not in pages["samples"]["data"].replace("\\<", "")


@pytest.mark.operations
def test_a_single_stage_reuses_what_is_there(services: Services, complete: dict[str, Any]) -> None:
    """One stage again costs no more than itself; when that is done already, nothing is computed."""
    done = services.deploy("evaluate/local", "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
    stages = services.record(services.newest_run())["stages"]
    assert list(stages) == ["download", "clean", "tokenize", "train", "compressors", "evaluate"]
    assert {stage["status"] for stage in stages.values()} == {"reused"}


@pytest.mark.operations
def test_retraining_makes_the_first_model_the_champion(services: Services, complete: dict[str, Any]) -> None:
    """`retrain/nightly` on what is trained already computes nothing, promotes it, and shows why as a page."""
    policy = json.dumps({"good_time": {"deadline_minutes": 0}})
    done = services.deploy("retrain/nightly", "--watch", "-p", f"policy={policy}")
    assert done.returncode == 0, done.stdout + done.stderr
    flow_run = services.newest_run()
    assert (flow_run["state_type"], flow_run["state_name"]) == ("COMPLETED", "Promoted")
    record = services.record(flow_run)
    assert {stage["status"] for stage in record["stages"].values()} == {"reused"}
    assert record["decision"].startswith("promoted: the first model")
    wanted = {"flow_run_id": {"any_": [flow_run["id"]]}, "key": {"any_": ["champion"]}}
    (page,) = services.api("artifacts/filter", artifacts=wanted)
    assert record["stages"]["train"]["key"] in page["data"]
    assert (services.root / "artifacts" / "index.html").exists()


@pytest.mark.operations
def test_what_cannot_fit_ends_in_a_state_with_a_name(services: Services) -> None:
    """A refusal by the memory guard can be told from other failures, in the UI and by an automation; its log has one
    clear line, and no traceback.
    """
    refused = services.deploy("train/local", "--watch", memory="50MiB")
    assert refused.returncode == 1
    flow_run = services.newest_run()
    assert (flow_run["state_type"], flow_run["state_name"]) == ("FAILED", "MemoryGuard")
    assert "50 MiB" in flow_run["state"]["message"]
    assert "run again with --memory" in flow_run["state"]["message"]
    log = services.log(flow_run)
    assert flow_run["state"]["message"] in log and "Traceback" not in log


@pytest.mark.operations
def test_a_killed_worker_leaves_no_training_behind(services: Services) -> None:
    """kill -9 of the worker: its run's processes save and leave, no run stays Running, and `make up` starts anew."""
    services.deploy("train/local", seed=2)
    services.wait_for(lambda: services.checkpoints())
    flow_run = services.newest_run()
    (worker,) = (process for process in services.processes() if "worker" in process.cmdline())
    worker.kill()
    services.wait_for(lambda: all("server" in process.cmdline() for process in services.processes()))
    assert services.record(flow_run)["status"] == "stopped"
    up = services.make("up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert services.newest_run()["state_type"] not in ("RUNNING", "PENDING")


@pytest.mark.operations
def test_down_saves_what_trains_and_leaves_nothing_behind(services: Services) -> None:
    """`make down` while a model trains: the training is saved, its run is closed, and every process is gone."""
    services.deploy("train/local", seed=2)
    services.wait_for(lambda: services.checkpoints() and services.trainings())
    flow_run = services.newest_run()
    down = services.make("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "Ended 1 run" in down.stdout, down.stdout
    assert services.processes() == []
    assert services.record(flow_run)["status"] == "stopped"
    assert services.checkpoints()
    assert services.make("status").returncode == 1
