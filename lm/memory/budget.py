"""What memory there is, who set the limit, and what a process tree uses. Reads only; nothing here acts.

psutil reports the whole machine's memory even inside a container, so the limits of every cgroup above this process
are read too (`headroom.py`), and the least headroom counts.
"""

import math
import re
from typing import Annotated

from pydantic import AfterValidator

from lm.config import StageConfig
from lm.errors import BadInput, CannotFit, OutOfMemory
from lm.formatting import format_bytes
from lm.memory.headroom import headrooms, limited_cgroups

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
SOFT_SHARE = 0.95  # of the budget: beyond it a child is asked to save and stop, so work must fit below it
LIGHT_ORCHESTRATOR_BYTES = 80 * 2**20  # what a run's own process holds where nobody orchestrates it
HEADROOM = 1.25  # what is advised to what ran out of memory, over what it reached
SHARE_OF_AVAILABLE = 0.75  # what a run takes when nobody says: the rest stays for the person at the machine
ORIGINS = {
    "flag": "asked for",
    "cgroup": "the limit of this container, minus the process that orchestrates",
    "available memory": "three quarters of what is free now",
}


class Budget(StageConfig):
    """The memory a stage's process tree may take, where that number comes from, and what it leaves to others.

    `orchestrator_bytes` is what the orchestrating processes held when the budget was settled.
    """

    bytes: int
    source: str  # flag, cgroup or available memory
    orchestrator_bytes: int = 0

    @property
    def origin(self) -> str:
        """Where the number comes from, in words."""
        return ORIGINS.get(self.source, self.source)


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
        if budget.source == "cgroup":
            advice = f"give this container {format_budget(required_bytes + budget.orchestrator_bytes)}"
        else:
            advice = f"run again with --memory {format_budget(required_bytes)}"
        error = CannotFit(
            f"{what}: needs about {format_bytes(needed_bytes)}, the budget is {format_bytes(budget.bytes)} "
            f"({budget.origin}); {advice}"
        )
        beside = max(0, budget.orchestrator_bytes - LIGHT_ORCHESTRATOR_BYTES) if budget.source != "flag" else 0
        error.would_fit_alone = required_bytes <= budget.bytes + beside
        raise error


def advised_budget(peak_bytes: int, budget: Budget) -> str:
    """The budget to give to what ran out of memory at this peak: as `--memory` reads it."""
    return format_budget(int(max(peak_bytes, budget.bytes) * HEADROOM))


def advise(error: OutOfMemory, what: str, budget: Budget, retries: int = 0) -> OutOfMemory:
    """The error with a message for the user: what ran out of memory, how often it was tried, what to do."""
    message = f"out of memory, {what}: {error.reason}"
    if retries:
        message += f" after {retries} {'retry' if retries == 1 else 'retries'} with smaller micro-batches"
    if error.ours:
        message += (
            f", the budget is {format_bytes(budget.bytes)} ({budget.origin}); what was saved is kept: "
            f"run again with --memory {advised_budget(error.peak_bytes, budget)}"
        )
    else:
        message += "; what was saved is kept: make room, then run the same command again"
    return OutOfMemory(error.reason, error.peak_bytes, ours=error.ours, message=message)


def available_bytes() -> int:
    """What could be taken now without swapping or hitting a limit: the machine's and every cgroup's."""
    return min(headroom.free_bytes for headroom in headrooms(limited_cgroups()))


def resolve_budget(requested: str | int | None, orchestrator_bytes: int = 0) -> Budget:
    """Settle how much a stage may take: what was asked for, else a container's limit, else a share of what is free.

    `orchestrator_bytes`, what the orchestrating processes hold, is taken off a container's limit first.
    """
    if requested is not None:
        return Budget(bytes=parse_bytes(requested), source="flag", orchestrator_bytes=orchestrator_bytes)
    limits = [headroom.limit_bytes for headroom in headrooms(limited_cgroups())[1:]]
    if limits:
        limit = min(limits)
        left = max(0, min(limit - orchestrator_bytes, available_bytes()))
        return Budget(bytes=left, source="cgroup", orchestrator_bytes=orchestrator_bytes)
    share = int(available_bytes() * SHARE_OF_AVAILABLE)
    return Budget(bytes=share, source="available memory", orchestrator_bytes=orchestrator_bytes)
