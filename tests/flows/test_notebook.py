"""The notebook of inspection: what is not executed does not work for long."""

import subprocess
import sys

from tests.conftest import PROJECT, Workplace


def test_the_notebook_opens_and_draws_the_newest_run(workplace: Workplace) -> None:
    """From a run that got as far as training, and before there is any run."""
    command = [sys.executable, str(PROJECT / "docs" / "newest_run.py")]
    before = subprocess.run(command, env=workplace.environment, capture_output=True, text=True)
    assert "make run" in before.stderr
    assert workplace.run("--run-id", "mine", "--until", "train", steps=20).code == 0
    done = subprocess.run(command, env=workplace.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (workplace.root / "artifacts/runs/mine/newest_run.png").exists()
