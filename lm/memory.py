"""What memory there is, who set the limit, and what a process tree uses. Reads only; nothing here acts.

psutil reports the whole machine's memory even inside a container, so the limits of every cgroup above this process
are read too (`headroom.py`), and the least headroom counts.
"""

import math
import re
import sys
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import AfterValidator

from lm.config import StageConfig
from lm.errors import BadInput, CannotFit
from lm.supervision.headroom import headrooms, limited_cgroups

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
SOFT_SHARE = 0.95  # of the budget: beyond it a child is asked to save and stop, so work must fit below it
HEADROOM = 1.25  # what is advised to what ran out of memory, over what it reached
SHARE_OF_AVAILABLE = 0.75  # what a run takes when nobody says: the rest stays for the person at the machine
REFUSALS = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory", "malloc of size")


class Budget(StageConfig):
    """The memory a stage's process tree may take, and where that number comes from."""

    bytes: int
    source: str  # "flag", "cgroup" or "available memory"


def parse_bytes(text: str | int) -> int:
    """Read a size such as `2GiB`, `512M` or `1500000`. Raises BadInput."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?\s*", str(text).upper())
    if not match or match[2] == "I":
        raise BadInput(f"memory: got {text!r}, expected a size such as 2GiB, 800MB or 1500000000")
    return int(float(match[1]) * UNITS[match[2]])


def _readable_size(text: str) -> str:
    try:
        is_some = parse_bytes(text) > 0
    except BadInput:
        is_some = False
    if not is_some:
        raise ValueError("expected a size such as 2GiB, 800MB or 1500000000")
    return text


Size = Annotated[str, AfterValidator(_readable_size)]  # in a config: what `parse_bytes` reads, and more than nothing


def format_bytes(count: float) -> str:
    """Write a size for people, in binary units: `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def format_budget(count: int) -> str:
    """Write a size as an option that `parse_bytes` reads and that is not below it: `1433MiB`."""
    return f"{-(-count // 2**20)}MiB"


def required_budget(needed_bytes: int) -> int:
    """The least budget in which work that needs so much is never asked to stop."""
    return math.ceil(needed_bytes / SOFT_SHARE)


def check_fits(what: str, needed_bytes: int, budget: Budget) -> None:
    """Refuse to start what is not expected to fit. Raises CannotFit."""
    required_bytes = required_budget(needed_bytes)
    if required_bytes > budget.bytes:
        raise CannotFit(
            f"{what}: needs about {format_bytes(needed_bytes)}, the budget is {format_bytes(budget.bytes)} "
            f"({budget.source}); run again with --memory {format_budget(required_bytes)}"
        )


def advised_budget(peak_bytes: int, budget: Budget) -> str:
    """The budget to give to what ran out of memory at this peak: as `--memory` reads it."""
    return format_budget(int(max(peak_bytes, budget.bytes) * HEADROOM))


def available_bytes() -> int:
    """What could be taken now without swapping or hitting a limit: the machine's and every cgroup's."""
    return min(headroom.free_bytes for headroom in headrooms(limited_cgroups()))


def resolve_budget(requested: str | int | None, orchestrator_bytes: int = 0) -> Budget:
    """Settle how much a stage may take: what was asked for, else a container's limit, else a share of what is free.

    `orchestrator_bytes`, what the orchestrating processes hold, is taken off a container's limit first.
    """
    if requested is not None:
        return Budget(bytes=parse_bytes(requested), source="flag")
    limits = [headroom.limit_bytes for headroom in headrooms(limited_cgroups())[1:]]
    if limits:
        limit = min(limits)
        return Budget(bytes=max(0, min(limit - orchestrator_bytes, available_bytes())), source="cgroup")
    return Budget(bytes=int(available_bytes() * SHARE_OF_AVAILABLE), source="available memory")


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
