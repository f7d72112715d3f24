"""What processes hold, and how the system lets it be bounded. Reads only."""

import sys
from pathlib import Path

import psutil

REFUSALS = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory", "malloc of size")


def process_bytes(process: psutil.Process) -> int:
    """Resident memory of one process; 0 once it is gone."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def tree_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and all its descendants."""
    try:
        children = process.children(recursive=True)
    except psutil.Error:
        children = []
    return process_bytes(process) + sum(process_bytes(child) for child in children)


def resident_bytes() -> int:
    """What this process holds now."""
    return process_bytes(psutil.Process())


def is_refusal(error: BaseException) -> bool:
    """Whether an exception says that memory was asked for and refused: libraries have many words for it."""
    text = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, MemoryError) or any(words in text for words in REFUSALS)


def own_peak_bytes() -> int:
    """The most that this process has held so far (VmHWM on Linux; elsewhere what the system keeps)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        info = psutil.Process().memory_info()
        return int(getattr(info, "peak_wset", info.rss))
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def can_cap() -> bool:
    """Whether this system lets a process bound the memory of its children."""
    return sys.platform.startswith("linux")


def how_memory_is_held() -> str:
    """Say in one line what bounds a stage's memory on this system."""
    if can_cap():
        return "a stage is capped at it, and watched 10 to 50 times a second"
    system = "macOS" if sys.platform == "darwin" else "this system"
    return f"{system} offers no cap: a stage is watched 10 to 50 times a second and ended beyond it, but may overshoot"
