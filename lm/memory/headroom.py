"""What is left of the machine's memory and of every limit above this process: read in microseconds, often.

Cgroups of both versions count; those without a limit are found once and not read again.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import psutil

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC_CGROUP = Path("/proc/self/cgroup")
PRESSURE = Path("/proc/pressure/memory")
MEMINFO = Path("/proc/meminfo")
UNLIMITED_BYTES = 2**60


class Cgroup(NamedTuple):
    """A group that this process is in, or one above it, and the names of its files."""

    folder: Path
    limit: str
    usage: str


class Headroom(NamedTuple):
    """What could still be taken of one limit, in bytes: of the machine, or of a cgroup above this process."""

    where: str
    free_bytes: int
    limit_bytes: int


def cgroups() -> list[Cgroup]:
    """Every memory cgroup above this process, its own first."""
    try:
        lines = PROC_CGROUP.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            base, limit, usage = CGROUP_ROOT, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit, usage = CGROUP_ROOT / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = base / name.lstrip("/")
        found += [Cgroup(path, limit, usage) for path in (folder, *folder.parents) if path.is_relative_to(base)]
    return found


def limited_cgroups() -> list[Cgroup]:
    """Those of them that have a limit below the machine's memory."""
    total = psutil.virtual_memory().total
    return [group for group in cgroups() if (_read_int(group.folder / group.limit) or total) < total]


def headrooms(limited: list[Cgroup]) -> list[Headroom]:
    """What is left of the machine's memory without swapping, first, and of each group's limit."""
    available, total, _ = machine_memory()
    found = [Headroom("this machine", available, total)]
    for folder, limit_name, usage_name in limited:
        limit, usage = _read_int(folder / limit_name), _read_int(folder / usage_name)
        if limit is not None and usage is not None:
            found.append(Headroom("this container", max(0, limit - usage + _reclaimable_bytes(folder)), limit))
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
