"""Whether a child that is at work still does anything: it says something, computes, or waits for a core or a disk.

One that is stopped, or whose threads wait for each other, does nothing of these, for as long as its parent would wait.
Looks are counted, not time: while the parent itself is stopped or its machine sleeps, nobody is at fault.
"""

from contextlib import suppress

import psutil

from lm.supervision.process_tree import descendants

POLL_INTERVAL_SECONDS = 1.0  # between two looks
MAX_SILENT_SECONDS = 120.0  # four times what a download waits for a server that sends nothing
MIN_CORE_SHARE = 0.005  # of a core: less is what a thread takes that only looks at a clock
AT_WORK = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)


class SignOfLife:
    """Looks at a child and its descendants every `POLL_INTERVAL_SECONDS` in which the child says nothing."""

    def __init__(self, child: psutil.Process) -> None:
        self._child = child
        self._silent_seconds, self._cpu_seconds = 0.0, self._computed()[0]

    def is_missing(self) -> bool:
        """Look once; whether there was no sign of life for too long."""
        seconds, at_work = self._computed()
        self._silent_seconds += POLL_INTERVAL_SECONDS
        if at_work or abs(seconds - self._cpu_seconds) > MIN_CORE_SHARE * self._silent_seconds:
            self._silent_seconds, self._cpu_seconds = 0.0, seconds
        return self._silent_seconds >= MAX_SILENT_SECONDS

    def _computed(self) -> tuple[float, bool]:
        """Seconds of processor time of all processes that are there now, and whether one of them is at work."""
        total, at_work = 0.0, False
        for process in (self._child, *descendants(self._child)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
                at_work |= process.status() in AT_WORK
        return total, at_work
