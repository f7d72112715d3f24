"""Whether the machine runs out of memory, told from a few looks in a row, before the kernel has to act."""

import time
from collections import deque
from typing import NamedTuple

from lm.formatting import format_bytes
from lm.memory.headroom import Headroom, headrooms, limited_cgroups, machine_memory, stalled_seconds

RESERVE_SHARE = 0.03  # of a limit: with less than that free somebody else needs it now
SCARCE_SHARE = 0.10  # of a limit: pressure and swapping count below it, for then they are not about file caches
WINDOW_SECONDS = 2.0
AHEAD_SECONDS = 1.0  # how far a fall is followed into the future
STALLED_SHARE = 0.2  # of the time in which everything waits for memory
SWAPPED_BYTES = 256 * 2**20  # written to disk within the window


class Sample(NamedTuple):
    """The machine at one moment; `own_bytes` is what the stage's process tree holds of it."""

    seconds: float
    headrooms: list[Headroom]
    own_bytes: int
    swapped_bytes: int
    stalled_seconds: float


class MemoryPressure:
    """Keeps the looks of the last seconds and says what is wrong."""

    def __init__(self) -> None:
        self._looks: deque[Sample] = deque()
        self._limited = limited_cgroups()

    def look(self, own_bytes: int) -> tuple[list[Headroom], str | None]:
        """Look at the machine now: what is left, and why the work must end, or None."""
        now = Sample(
            time.monotonic(), headrooms(self._limited), own_bytes, machine_memory()[2], stalled_seconds() or 0.0
        )
        return now.headrooms, self.judge(now)

    def judge(self, now: Sample) -> str | None:
        """Judge a look by those before it; why the work must end, or None."""
        while self._looks and now.seconds - self._looks[0].seconds > WINDOW_SECONDS:
            self._looks.popleft()
        self._looks.append(now)
        then = self._looks[0]
        for index, headroom in enumerate(now.headrooms):
            before = then.headrooms[index] if index < len(then.headrooms) else headroom
            if reason := _judge(headroom, before, now, then):
                return reason
        return None


def _judge(headroom: Headroom, before: Headroom, now: Sample, then: Sample) -> str | None:
    where, free, reserve = headroom.where, headroom.free_bytes, RESERVE_SHARE * headroom.limit_bytes
    if free < reserve:
        return f"only {format_bytes(free)} of {where}'s memory is left"
    seconds = now.seconds - then.seconds
    if seconds < WINDOW_SECONDS / 4:
        return None
    taken_by_others = (before.free_bytes - free) - max(0, now.own_bytes - then.own_bytes)
    rate = taken_by_others / seconds
    if rate > 0 and free - rate * AHEAD_SECONDS < reserve:
        return f"other programs take {format_bytes(rate)} a second of {where}'s memory and {format_bytes(free)} is left"
    if free > SCARCE_SHARE * headroom.limit_bytes:
        return None
    stalled = (now.stalled_seconds - then.stalled_seconds) / seconds
    if stalled > STALLED_SHARE:
        return f"{where} spends {stalled:.0%} of its time waiting for memory, of which {format_bytes(free)} is left"
    swapped = now.swapped_bytes - then.swapped_bytes
    if swapped > SWAPPED_BYTES:
        return f"{where} moved {format_bytes(swapped)} of memory to disk in {seconds:.0f} s"
    return None
