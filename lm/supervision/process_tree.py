"""Which processes belong to a stage, looked up often enough that none grows unseen."""

import os
from contextlib import suppress
from pathlib import Path

import psutil

from lm.memory.usage import process_bytes

LISTED = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


class ProcessTree:
    """This process, a child and their other descendants, as they were when they were looked up."""

    def __init__(self, child: psutil.Process) -> None:
        self.child = child
        self.descendants: list[psutil.Process] = []
        self.others: list[psutil.Process] = []  # of ours: what orchestrates
        self.look_up_descendants()
        self.look_up_others()

    def look_up_descendants(self) -> None:
        """Who works for the child."""
        self.descendants = descendants(self.child)

    def look_up_others(self) -> None:
        """Who else descends from this process, and it itself."""
        me, stage = psutil.Process(), {self.child, *self.descendants}
        self.others = [me, *(process for process in descendants(me) if process not in stage)]

    def tree_bytes(self) -> int:
        """What the child and its descendants hold."""
        return process_bytes(self.child) + sum(map(process_bytes, self.descendants))

    def pids(self) -> set[int]:
        """The stage's processes and this one: whatever else grows may be named, our own server too."""
        return {process.pid for process in (self.child, *self.descendants, psutil.Process())}

    def kill(self) -> None:
        """End the child and all its descendants, after a look at every process of the machine."""
        with suppress(psutil.Error):
            self.descendants = self.child.children(recursive=True)
        for process in [*self.descendants, self.child]:
            with suppress(psutil.Error):
                process.kill()


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """The children of a process, and theirs.

    Linux lists the children of each thread, so that the cost does not grow with the processes of the machine, as it
    does where all of them are asked for their parents.
    """
    if not LISTED.exists():
        try:
            return list(process.children(recursive=True))
        except psutil.Error:
            return []
    found, waiting = list[psutil.Process](), [process.pid]
    while waiting:
        for pid in _children(waiting.pop()):
            with suppress(psutil.Error):
                found.append(psutil.Process(pid))
                waiting.append(pid)
    return found


def _children(pid: int) -> list[int]:
    """The children of all threads of a process; a thread may be gone by now."""
    listed = ""
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                listed += (thread / "children").read_text()
    return list(map(int, listed.split()))
