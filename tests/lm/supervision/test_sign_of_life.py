"""A child that does nothing any more is ended in time, with one line; one that works or waits for its turn is not."""

import os
import signal
import threading
import time

import psutil
import pytest

from lm.errors import Stopped
from lm.memory.budget import Budget
from lm.progress import silent
from lm.supervision import sign_of_life, supervisor
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.supervisor import SupervisedChild
from tests.conftest import PROJECT

BUDGET = Budget(bytes=2**30, source="fixed")
MAX_SILENT_SECONDS = 1.5
LARGE = "x" * 2**21  # more than a pipe takes: nobody waits for it to be read


@job
def wait_for_each_other(context: JobContext, text: str) -> int:
    """Hang as threads do that each hold what the other wants."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return 0


@job
def compute(context: JobContext, seconds: float) -> int:
    """Compute for some seconds without a word."""
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        rounds += 1
    return rounds


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setattr(supervisor, "POLL_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(sign_of_life, "POLL_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(sign_of_life, "MAX_SILENT_SECONDS", MAX_SILENT_SECONDS)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_child_that_hangs_is_ended(is_stopped: bool) -> None:
    """Its threads wait for each other, or somebody has stopped it before it read what it was asked."""
    with SupervisedChild(BUDGET) as child:
        if is_stopped:
            os.kill(child.pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(Stopped, match="no sign of life") as stopped:
            child.call(wait_for_each_other, silent, LARGE)
    assert time.monotonic() - started < 30
    assert "run the same command" in str(stopped.value)
    assert not psutil.pid_exists(child.pid)


def test_a_child_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it hangs: it gets the time to save, then it is killed."""
    monkeypatch.setattr(supervisor, "SAVE_SECONDS", 0.5)
    monkeypatch.setattr(sign_of_life, "MAX_SILENT_SECONDS", 600.0)
    interrupt = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with SupervisedChild(BUDGET) as child:
            os.kill(child.pid, signal.SIGSTOP)
            interrupt.start()
            with pytest.raises(KeyboardInterrupt):
                child.call(wait_for_each_other, silent, LARGE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not psutil.pid_exists(child.pid)


def test_a_child_that_computes_is_waited_for() -> None:
    """However long it says nothing."""
    with SupervisedChild(BUDGET) as child:
        assert child.call(compute, silent, 3 * MAX_SILENT_SECONDS) > 0
