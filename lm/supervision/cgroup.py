"""A cgroup of its own around a child, where this system lets us make one: the kernel then holds the limit.

Root can on v1; on v2 whoever owns the group above and has no process in it. Everywhere else there is none, and the
cap inside the child and the watching have to do.
"""

import time
from contextlib import suppress
from pathlib import Path

from lm.memory.headroom import cgroups, number_in

OVERSHOOT_SHARE = 1.05  # of the budget: the watching acts first, the kernel when it comes too late
REMOVE_SECONDS = 1.0


class MemoryCgroup:
    """The group's folder. File caches count too, but the kernel drops them before it ends anybody."""

    def __init__(self, folder: Path, limit_name: str) -> None:
        self.folder, self.limit_file = folder, folder / limit_name

    @classmethod
    def around(cls, pid: int, budget_bytes: int) -> "MemoryCgroup | None":
        """Put a process into a new group with a limit just above its budget; None where that is not allowed."""
        groups = cgroups()
        if not groups:
            return None
        parent, limit_name = groups[0].folder, groups[0].limit
        folder = parent / f"slowburn-{pid}"
        try:
            folder.mkdir()
        except OSError:
            return None
        try:
            (folder / limit_name).write_text(str(int(budget_bytes * OVERSHOOT_SHARE)))
            (folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            return None
        return cls(folder, limit_name)

    def oom_kills(self) -> int:
        """How many of its processes the kernel ended at the limit."""
        return max(number_in(self.folder / name, "oom_kill") for name in ("memory.events", "memory.oom_control"))

    def remove(self) -> None:
        """Take the group away once its processes are gone, and those inside that killed workers left."""
        deadline = time.monotonic() + REMOVE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                for left in self.folder.glob("slowburn-*"):
                    left.rmdir()
                self.folder.rmdir()
                return
            time.sleep(0.02)
