"""A supervised child: started from anywhere, ended with its parent, and what ends it is told as what it was."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lm.errors import BadInput, Crash, Interrupted, OutOfMemory, SlowburnError, Stopped
from lm.memory.budget import Budget
from lm.progress import silent
from lm.supervision.job import Job
from lm.supervision.supervisor import SupervisedChild
from tests.conftest import PROJECT
from tests.lm.supervision.small_jobs import MIB, die, double, fail, hold, ignore_everything, work_until_stopped

BUDGET = Budget(bytes=2**30, source="flag")
JOBS = """
from lm.supervision.job import job
from lm.supervision.job_context import JobContext

@job
def double(context: JobContext, number: int) -> int:
    return 2 * number
"""
PARENT = f"""
import sys
sys.path.append({str(PROJECT)!r})
from lm.memory.budget import Budget
from lm.progress import silent
from lm.supervision.supervisor import SupervisedChild
from my_jobs import double

with SupervisedChild(Budget(bytes=2**30, source="flag")) as child:
    print(child.call(double, silent, 21))
"""


@pytest.fixture(scope="module")
def child() -> Iterator[SupervisedChild]:
    """One for all jobs that leave it alive."""
    with SupervisedChild(BUDGET) as child:
        yield child


def test_a_child_finds_what_its_parent_found(tmp_path: Path) -> None:
    """A script with a job beside it, in a folder that it is not started in, where modules of other names stand."""
    program, here = tmp_path / "program", tmp_path / "here"
    for folder in (program, here):
        folder.mkdir()
    (program / "my_jobs.py").write_text(JOBS)
    (program / "parent.py").write_text(PARENT)
    for name in ("json", "lm", "psutil"):
        (here / f"{name}.py").write_text("raise ImportError('of somebody else')")
    command = [sys.executable, str(program / "parent.py")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "42\n", done.stderr


def test_what_a_job_prints_is_no_event(child: SupervisedChild) -> None:
    """Libraries print what they like: results and progress arrive beside it."""
    seen: list[tuple[float, float | None, str]] = []
    assert child.call(double, lambda done, total, unit, note="": seen.append((done, total, unit)), 21) == 42
    assert seen == [(1, 1, "numbers")]


@pytest.mark.parametrize(
    ("how", "kind", "says"),
    [
        ("bad input", BadInput, "got this, expected that"),
        ("memory", OutOfMemory, "could get no more memory at"),
        ("arrow", OutOfMemory, "could get no more memory at"),
        ("disk", Stopped, "the disk is full: /somewhere/file cannot be written"),
        ("fault", Crash, "an error in Slowburn itself: ValueError: an index is wrong"),
    ],
)
def test_an_error_arrives_as_what_it_was(child: SupervisedChild, how: str, kind: type[Exception], says: str) -> None:
    """With its own kind, so its own exit code, and the child does the next job; of a fault the traceback is kept."""
    with pytest.raises(kind, match=re.escape(says)) as raised:
        child.call(fail, silent, how)
    assert type(raised.value) is kind
    assert child.call(double, silent, 1) == 2
    if isinstance(raised.value, Crash):
        assert "small_jobs.py" in raised.value.details


def test_only_jobs_are_called(child: SupervisedChild) -> None:
    """What came through the pipe names a job, or nothing is done."""
    wrong: Job[[], None] = Job(lambda context: None)
    wrong.name = "tests.lm.supervision.small_jobs:NOT_A_JOB"
    with pytest.raises(SlowburnError, match="NOT_A_JOB is no job"):
        child.call(wrong, silent)


def test_a_job_that_can_save_does_so_and_another_leaves_at_once(child: SupervisedChild) -> None:
    """Asked to stop, the one ends in its own words, and the other knows nothing of it until it gets a signal."""

    def ask(done: float, total: float | None, unit: str, note: str = "") -> None:
        child.ask_to_stop("paused")

    with pytest.raises(Stopped, match="paused: saved"):
        child.call(work_until_stopped, ask, True)
    with SupervisedChild(BUDGET) as other, pytest.raises(Interrupted):
        other.call(work_until_stopped, lambda *_: os.kill(other.pid, signal.SIGTERM), False)


def test_ctrl_c_lets_the_child_save_first() -> None:
    """The call is left with what interrupted it; by then the child is gone."""
    with SupervisedChild(BUDGET) as child:

        def interrupt(done: float, total: float | None, unit: str, note: str = "") -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            child.call(work_until_stopped, interrupt, True)
        assert not psutil.pid_exists(child.pid)


def test_a_child_that_does_not_leave_is_killed_with_its_descendants() -> None:
    """Closing takes as long as it is given, and no longer."""
    child = SupervisedChild(BUDGET)
    begun = threading.Event()
    thread = threading.Thread(target=lambda: _left_alone(child, begun), daemon=True)
    thread.start()
    assert begun.wait(30)
    started = time.monotonic()
    child.close(grace_seconds=0.3)
    thread.join(5)
    assert time.monotonic() - started < 3
    assert not psutil.pid_exists(child.pid)


def _left_alone(child: SupervisedChild, begun: threading.Event) -> None:
    with pytest.raises(SlowburnError):
        child.call(ignore_everything, lambda *_: begun.set())


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [(3, Crash, "the worker process died with code 3"), (127, OutOfMemory, "it died at")],
)
def test_a_child_that_dies_without_a_word_is_explained(code: int, kind: type[Exception], says: str) -> None:
    """By its code, and by what its libraries said last: some give up where they are refused memory."""
    with SupervisedChild(BUDGET) as child, pytest.raises(kind, match=says) as raised:
        child.call(die, silent, code)
    if isinstance(raised.value, Crash):
        assert "gave up" in raised.value.details


def test_memory_near_the_budget_is_asked_for_and_beyond_it_ends_the_child() -> None:
    """At 95 % the job is asked to do with less; above 100 % the child is ended, and the peak is what it held."""
    with SupervisedChild(BUDGET) as child:
        assert child.call(double, silent, 1) == 2
        time.sleep(0.15)
        held = child.peak_bytes
    near = Budget(bytes=held + 400 * MIB, source="flag")
    with SupervisedChild(near) as child:
        assert child.call(hold, silent, 386, 10.0) == 1
        with pytest.raises(OutOfMemory) as raised:
            child.call(hold, silent, 500, 10.0)
        assert raised.value.ours
        assert raised.value.peak_bytes == child.peak_bytes > 0.9 * near.bytes
        assert child.samples
        assert all(sample.tree_bytes <= child.peak_bytes for sample in child.samples)
