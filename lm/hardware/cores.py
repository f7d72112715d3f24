"""Which processor this is and how much of it may be used."""

import os
import platform
import re
import sys
from pathlib import Path

from lm.hardware.cgroups import GroupFolder, group_folders


def cpu_name() -> str:
    """The processor's name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def cpu_flags() -> frozenset[str]:
    """Names of the instruction sets that the processor has, as Linux on x86 lists them; empty elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


def usable_cores() -> int:
    """Logical cores that this process may keep busy: those it may run on, or fewer where a container's quota says so.

    More threads than the quota allows would all stand still for the rest of every tenth of a second.
    """
    allowed = _allowed_cores()
    quotas = [quota for quota in map(_quota, group_folders("cpu")) if quota]
    return max(1, min(allowed, round(min(quotas, default=allowed))))


def cores_by_quota() -> int:
    """The same, where a quota makes them fewer than what libraries would start threads for; else 0."""
    cores = usable_cores()
    return cores if cores < _allowed_cores() else 0


def _allowed_cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _quota(folder: GroupFolder) -> float | None:
    """What a group may use, in cores; None where it has no quota."""
    try:
        if folder.version == 1:
            quota, period = ((folder.path / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        else:
            quota, period = (folder.path / "cpu.max").read_text().split()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # `max`
        return None


def chosen_cores() -> int:
    """Cores to work on: what `OMP_NUM_THREADS` says, else all that may be used. No result depends on it."""
    asked = re.match(r"\s*(\d+)", os.environ.get("OMP_NUM_THREADS", ""))  # `4,2` is for threads inside threads
    return int(asked[1]) if asked and int(asked[1]) else usable_cores()
