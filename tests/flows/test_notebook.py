"""The notebook of inspection: what is not executed does not work for long."""

import shutil
import subprocess
import sys

from tests.conftest import DONE, PROJECT, Finished, Workplace


def test_the_notebook_opens_and_draws_the_newest_run(workplace: Workplace, finished: Finished) -> None:
    """From a run that is complete, and before there is any run."""
    command = [sys.executable, str(PROJECT / "docs" / "newest_run.py")]
    before = subprocess.run(command, env=workplace.environment, capture_output=True, text=True)
    assert "make run" in before.stderr
    shutil.copytree(finished.root, workplace.root, dirs_exist_ok=True)
    done = subprocess.run(command, env=workplace.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (workplace.root / "artifacts/runs" / DONE / "newest_run.png").exists()
