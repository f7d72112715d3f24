"""The minutes are kept inside one process, and a kill at any moment costs what any other does."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.progress import silent
from lm.stages import stage_work
from lm.store.artifacts import Store
from lm.supervision.supervisor import START_CHILD, SupervisedChild
from lm.train.jobs import finish_training, start_training, train_chunk
from lm.train.metrics import TrainMetrics
from tests.conftest import Workplace

ASKED = ("--until", "train", "--minutes", "0.2", "--set", "train.steps=null", "checkpoint_seconds=0.4")
ENDLESS = 40_000  # steps: any machine is too slow for them
BUDGET = Budget(bytes=2 << 30, source="flag")


@pytest.fixture
def hopeful(workplace: Workplace) -> Path:
    """A kept plan that thinks too much of this machine: its end must be moved."""
    outcome = workplace.run("--run-id", "planned", "--until", "tokenize", *ASKED[2:])
    assert outcome.code == 0, outcome.errors
    path = workplace.root / str(workplace.record("planned")["plan"])
    plan = json.loads(path.read_text())
    plan["recipe"]["steps"] = plan["most_steps"] = ENDLESS
    del plan["checksum"]
    path.write_text(json.dumps(plan))
    return path


def schedules(workplace: Workplace) -> list[Path]:
    return list(workplace.root.glob("artifacts/models/.*.partial/schedule.json"))


def children(pid: int) -> list[psutil.Process]:
    """The supervised children of a run."""
    return [child for child in psutil.Process(pid).children(True) if str(START_CHILD) in child.cmdline()]


def trained_by(workplace: Workplace, recipe: dict[str, Any]) -> TrainMetrics:
    """What an uninterrupted training with this schedule comes to, in a place of its own."""
    elsewhere = Store(workplace.root.parent / "elsewhere")
    (tokens,) = Store(workplace.root).list("tokenize")
    elsewhere.folder("tokenize").mkdir(parents=True)
    elsewhere.path("tokenize", tokens.key).symlink_to(tokens.path)
    work = stage_work(elsewhere, "train", TrainingConfig.model_validate(recipe), {"tokenize": tokens.key})
    with SupervisedChild(BUDGET, threads=1, keeps_freed_memory=True) as child:
        micro_batch = recipe["batch_sequences"]
        child.call(start_training, silent, work, micro_batch=micro_batch, device="cpu", checkpoint_seconds=60.0)
        assert child.call(train_chunk, silent, recipe["steps"]).is_over
        child.call(finish_training, silent, work)
    (model,) = elsewhere.list("train")
    return model.read_metrics(TrainMetrics)


def test_killed_at_any_moment_it_ends_in_the_bytes_of_its_recorded_schedule(
    workplace: Workplace, hopeful: Path
) -> None:
    """The end is moved inside one child; kill -9 after that, and again later; the plan has it, and all is reused.

    Another seed has the minutes too, and an end of its own.
    """
    process = workplace.start("--run-id", "cut", *ASKED)
    workplace.wait_for(lambda: bool(schedules(workplace)), process)
    (child,) = children(process.pid)
    (moved,) = (json.loads(path.read_text())["former_ends"] for path in schedules(workplace))
    workplace.wait_for(lambda: workplace.checkpoints()[-1:] > [moved[0][0]], process)
    assert children(process.pid) == [child]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    process = workplace.start("--run-id", "again", *ASKED)
    workplace.wait_for(lambda: workplace.progress("again").startswith("step"), process)
    time.sleep(0.7)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    outcome = workplace.run("--run-id", "third", "--seeds", "2", *ASKED)
    assert outcome.code == 0, outcome.errors
    train = workplace.record("third")["stages"]["train"]
    plan = json.loads(hopeful.read_text())
    assert plan["recipe"]["former_ends"][: len(moved)] == moved
    assert moved[0][1] == plan["other_seeds"]["2"]["former_ends"][0][1] == ENDLESS
    assert train["steps"] == plan["recipe"]["steps"] < ENDLESS
    assert any(f"instead of {ENDLESS:,}, and from step" in reason for reason in plan["reasons"])
    assert not list(workplace.root.glob("artifacts/models/.*.partial"))

    whole = trained_by(workplace, plan["recipe"])
    metrics = json.loads((workplace.root / train["path"] / "manifest.json").read_text())["metrics"]
    assert (whole.weights_sha256, whole.final_state_sha256) == (train["weights_sha256"], metrics["final_state_sha256"])
    assert "Nothing to do" in workplace.run("--run-id", "fourth", "--seeds", "2", "--deadline", *ASKED).output
