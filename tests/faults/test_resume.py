"""Nothing finished is done twice, nothing started is lost: proved with real kills and compared bytes."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import Workplace

STEPS = 300
OFTEN = ("--until", "train", "--set", "checkpoint_seconds=0.4")
SMALL_STEPS = {"context": 32, "batch_sequences": 2}  # bf16 is a hundred times slower where it is emulated


def fingerprint(workplace: Workplace, run_id: str) -> tuple[str, bytes, int]:
    """All that must be equal: the weights, the optimiser's state, the steps."""
    train = workplace.record(run_id)["stages"]["train"]
    manifest = (workplace.root / train["path"] / "manifest.json").read_text()
    state = manifest.split('"final_state_sha256": "')[1][:64]
    return train["weights_sha256"], state, train["steps"]


@pytest.mark.parametrize(
    ("precision", "threads", "steps", "size", "options"),
    [("fp32", 1, STEPS, {}, []), ("bf16", 2, 30, SMALL_STEPS, ["--without-prefect"])],
)
def test_a_killed_training_goes_on_and_ends_in_the_same_bytes(
    workplace_of_done: Workplace,
    tmp_path: Path,
    precision: str,
    threads: int,
    steps: int,
    size: dict[str, int],
    options: list[str],
) -> None:
    """kill -9 of the group after the second checkpoint; the same command resumes there, and the model is equal.

    Through Prefect, and without it.
    """
    workplace = workplace_of_done
    model = {"precision": precision, "dropout": 0.1, "merge_dropout": 0.1, "average_share": 0.1} | size
    often = (*OFTEN, f"threads={threads}", *options)
    process = workplace.start(*often, "--run-id", "cut", steps=steps, model=model)
    workplace.wait_for(lambda: len(workplace.checkpoints()) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    newest = workplace.checkpoints()[-1]
    assert 0 < newest < steps

    again = workplace.run(*often, "--run-id", "again", steps=steps, model=model)
    assert again.code == 0, again.errors
    record = workplace.record("again")["stages"]["train"]
    assert record["resumed_from_step"] == newest
    assert workplace.record("cut")["status"] == "running", "a killed run never claims to be complete"
    assert not workplace.checkpoints(), "a finished model keeps no checkpoints"

    elsewhere = workplace.elsewhere(tmp_path / "whole")
    whole = elsewhere.run(*often, "--without-prefect", "--run-id", "whole", steps=steps, model=model)
    assert whole.code == 0, whole.errors
    assert fingerprint(workplace, "again") == fingerprint(elsewhere, "whole")


def test_no_child_outlives_its_parent(workplace: Workplace) -> None:
    """When only the orchestrating process is killed, its child saves and is gone in seconds, and so is its server."""
    del workplace.environment["PREFECT_API_URL"]
    process = workplace.start(*OFTEN, steps=100_000)
    workplace.wait_for(lambda: bool(workplace.checkpoints()), process)
    children = psutil.Process(process.pid).children(recursive=True)
    before = workplace.checkpoints()[-1]
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive
    assert workplace.checkpoints()[-1] >= before


@pytest.mark.parametrize(("number", "code", "embedded"), [(signal.SIGINT, 130, True), (signal.SIGTERM, 75, False)])
def test_an_interrupted_run_saves_says_so_and_goes_on(
    workplace: Workplace, number: int, code: int, embedded: bool
) -> None:
    """Ctrl-C and SIGTERM end within seconds, with a checkpoint of the last step and the exit code that means it.

    A terminal sends them to all that the run started: the embedded server still hears how the run ended, then goes.
    """
    if embedded:
        del workplace.environment["PREFECT_API_URL"]
    process = workplace.start(*OFTEN[:2], "--run-id", "cut", "--set", "checkpoint_seconds=600", steps=100_000)
    workplace.wait_for(lambda: workplace.progress("cut").startswith("step"), process)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number)
    started = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - started < 30
    assert process.returncode == code
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert "run the same command again" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors
    assert len(workplace.checkpoints()) == 1, "saved although no checkpoint was due"
    assert workplace.record("cut")["status"] == "stopped"


def test_two_runs_at_once_do_the_work_once(workplace: Workplace) -> None:
    """A second run of the same command beside the first waits and reuses, or says why not and ends with 75."""
    first = workplace.start(*OFTEN, "--run-id", "first", steps=STEPS)
    second = workplace.start(*OFTEN, "--run-id", "second", steps=STEPS)
    outcomes = [process.communicate(timeout=240) for process in (first, second)]
    codes = sorted([first.returncode, second.returncode])
    assert codes in ([0, 0], [0, 75]), outcomes
    for process, (_, errors) in zip((first, second), outcomes, strict=True):
        if process.returncode == 75:
            assert "another process is making this same artifact" in errors
    again = workplace.run(*OFTEN, "--run-id", "third", steps=STEPS)
    assert again.code == 0
    assert workplace.record("third")["stages"]["train"]["status"] == "reused"
