"""Which processor this is and how much of it may be used."""

import os
import platform
import sys
from pathlib import Path


def cpu_name() -> str:
    """The processor's name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Logical cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def chosen_cores() -> int:
    """Cores to work on: what `OMP_NUM_THREADS` says, else all that may be used. No result depends on it."""
    return int(os.environ.get("OMP_NUM_THREADS") or usable_cores())
