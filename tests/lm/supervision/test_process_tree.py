"""Whose memory counts: a stage's processes, however they were started."""

import subprocess
import sys

import psutil
import pytest

from lm.supervision import process_tree as family
from lm.supervision.process_tree import ProcessTree, descendants

# A child of the main thread, and one of another thread that has a child itself; then they wait for the end of input.
TREE = """
import subprocess, sys, threading
WAIT = [sys.executable, "-c", "import sys; sys.stdin.read()"]
TWO = f"import subprocess, sys; subprocess.Popen({WAIT!r}); print(flush=True); sys.stdin.read()"
subprocess.Popen(WAIT)
thread = threading.Thread(target=lambda: subprocess.Popen([sys.executable, '-c', TWO]).wait())
thread.start()
thread.join()
"""


@pytest.mark.parametrize("listed", [True, False])
def test_every_process_of_a_stage_counts(listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of any thread and theirs, on Linux and elsewhere; the rest of ours is told apart; all end together."""
    if not listed:
        monkeypatch.setattr(family, "LISTED", family.LISTED / "nowhere")
    with subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = ProcessTree(psutil.Process(process.pid))
        assert len(found.descendants) == 3
        assert {p.pid for p in found.descendants} == {p.pid for p in found.child.children(recursive=True)}
        assert psutil.Process() in found.others
        assert not {p.pid for p in found.others} & {process.pid, *(p.pid for p in found.descendants)}
        members = found.descendants
        found.kill()
        process.wait()
    assert psutil.wait_procs(members, timeout=30)[1] == []
    assert descendants(found.child) == []
