"""What is left of the machine's memory and of every limit above this process: read in microseconds, often.

Cgroups of both versions count; those without a limit are found once and not read again.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import psutil

from lm.hardware.cgroups import group_folders

PRESSURE = Path("/proc/pressure/memory")
MEMINFO = Path("/proc/meminfo")
UNLIMITED_BYTES = 2**60
FILES = {  # limit, usage and throttle, by the version of cgroups
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", ""),
    2: ("memory.max", "memory.current", "memory.high"),
}


class Cgroup(NamedTuple):
    """A group that this process is in, or one above it, and the names of its files.

    `limit` is where the kernel ends processes, `throttle` where it only slows them down, to a standstill; none on v1.
    """

    folder: Path
    limit: str
    usage: str
    throttle: str = ""

    def limit_bytes(self) -> int | None:
        """What the group may hold; None where it has no limit."""
        limits = [_read_int(self.folder / name) for name in (self.limit, self.throttle) if name]
        return min((limit for limit in limits if limit is not None), default=None)


class Headroom(NamedTuple):
    """What could still be taken of one limit, in bytes: of the machine, or of a cgroup above this process."""

    where: str
    free_bytes: int
    limit_bytes: int


def cgroups() -> list[Cgroup]:
    """Every memory cgroup above this process, its own first."""
    return [Cgroup(path, *FILES[version]) for path, version in group_folders("memory")]


def limited_cgroups() -> list[Cgroup]:
    """Those of them that have a limit below the machine's memory."""
    total = psutil.virtual_memory().total
    return [group for group in cgroups() if (group.limit_bytes() or total) < total]


def headrooms(limited: list[Cgroup]) -> list[Headroom]:
    """What is left of the machine's memory without swapping, first, and of each group's limit."""
    available, total, _ = machine_memory()
    found = [Headroom("this machine", available, total)]
    for group in limited:
        limit, usage = group.limit_bytes(), _read_int(group.folder / group.usage)
        if limit is not None and usage is not None:
            free = max(0, limit - usage + _reclaimable_bytes(group.folder))
            found.append(Headroom("this container", free, limit))
    return found


def machine_memory() -> tuple[int, int, int]:
    """Bytes of this machine: available without swapping, in all, and what lies on disk of what programs hold."""
    if not sys.platform.startswith("linux"):
        memory = psutil.virtual_memory()
        return int(memory.available), int(memory.total), int(psutil.swap_memory().used)
    fields = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
    size = {name: 1024 * int(fields[name].split()[0]) for name in ("MemAvailable", "MemTotal", "SwapTotal", "SwapFree")}
    return size["MemAvailable"], size["MemTotal"], size["SwapTotal"] - size["SwapFree"]


def stalled_seconds() -> float | None:
    """Seconds since the start in which every program waited for memory (PSI, `full`); None where nobody counts."""
    try:
        full = PRESSURE.read_text().splitlines()[1]
    except (OSError, IndexError):
        return None
    return int(full.rsplit("total=", 1)[1]) / 1e6


def oom_kills() -> int:
    """How many processes the kernel has ended for want of memory, on this machine or in a cgroup above this process.

    Only a rise means something. 0 where the system does not tell.
    """
    events = [group.folder / name for group in cgroups() for name in ("memory.events", "memory.oom_control")]
    return sum(number_in(path, "oom_kill") for path in (Path("/proc/vmstat"), *events))


def number_in(path: Path, name: str) -> int:
    """A number in a file of lines `name number`; 0 where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _read_int(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < UNLIMITED_BYTES else None


def _reclaimable_bytes(folder: Path) -> int:
    """File pages that the kernel drops before it kills anybody: they count as usage, but are free to take."""
    statistics = folder / "memory.stat"
    return number_in(statistics, "total_inactive_file") or number_in(statistics, "inactive_file")
