"""The clock of training time: what a stopped process does not do is not counted."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lm.supervision.work_clock import WorkClock
from tests.conftest import PROJECT

HOUR = 3600.0
COUNT = """
import sys, time
from lm.supervision.work_clock import WorkClock
clock = WorkClock()
print("begun", flush=True)
sys.stdin.readline()
print(clock.seconds)
"""


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    """SIGSTOP for seconds, as for a night: only the rest is counted."""
    with subprocess.Popen(
        [sys.executable, "-c", COUNT], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(4.0)
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(1.0)
        process.stdin.write("\n")
        process.stdin.flush()
        seconds = float(process.stdout.readline())
        passed = time.monotonic() - begun
    assert 3.5 <= passed - seconds <= 5.0


def test_clocks_that_jump_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asleep for an hour the monotonic clock may go on, or not; the wall clock is set back a day: none is work."""
    clock = WorkClock()
    begun, real = clock.seconds, time.monotonic
    monkeypatch.setattr(time, "time", lambda: -24 * HOUR)
    monkeypatch.setattr(time, "monotonic", lambda: real() + HOUR)
    assert 0 <= clock.seconds - begun < HOUR / 2
