"""Laptop life: a run that is paused by its name, and one that was stopped or slept in the middle of training."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil

from tests.conftest import DONE, PROJECT, Workplace

STOPPED_SECONDS = 6.0


def lm(workplace: Workplace, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lm", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=workplace.environment, capture_output=True, text=True)


def test_a_run_is_paused_by_name_and_sleep_does_not_count_as_training(workplace: Workplace) -> None:
    """Paused it saves and gives its memory back; resumed it goes on from there; stopped time is no training time."""
    begun = time.monotonic()
    process = workplace.start("--run-id", "mine", "--until", "train", steps=700)
    workplace.wait_for(lambda: bool(workplace.progress("mine")), process)

    paused = lm(workplace, "pause", "mine")
    assert paused.returncode == 0, paused.stderr
    workplace.wait_for(lambda: workplace.record("mine")["status"] == "paused", process)
    workplace.wait_for(lambda: not psutil.Process(process.pid).children(recursive=True), process)
    saved = workplace.checkpoints()[-1]

    assert lm(workplace, "resume", "mine").returncode == 0
    workplace.wait_for(lambda: workplace.checkpoints()[-1:] > [saved] or bool(workplace.progress("mine")), process)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    os.killpg(process.pid, signal.SIGCONT)
    output, errors = process.communicate(timeout=240)
    passed = time.monotonic() - begun

    assert process.returncode == 0, errors
    train = workplace.record("mine")["stages"]["train"]
    assert train["resumed_from_step"] == saved
    manifest = json.loads((workplace.root / train["path"] / "manifest.json").read_text())
    assert manifest["seconds"] <= train["seconds"] < passed - STOPPED_SECONDS + 0.5
    assert "continues" in output


def test_what_cannot_be_paused_is_said(workplace_of_done: Workplace) -> None:
    """A run that there is not, and one that is over: one clear line each."""
    for command, name, says in [("pause", DONE, "completed"), ("resume", DONE, "not paused"), ("pause", "x", "no")]:
        done = lm(workplace_of_done, command, name)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr
