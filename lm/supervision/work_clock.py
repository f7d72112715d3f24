"""A clock of the time in which this process was running: not while it was stopped, or its machine asleep.

A thread looks at the monotonic clock many times a minute. Where it finds a gap between two looks, everything stood
still: SIGSTOP, a suspended laptop or virtual machine whose clock went on. Wall time may jump as it likes.
"""

import threading
import time
import weakref

POLL_INTERVAL_SECONDS = 0.5
GAP_SECONDS = 2.0  # a thread that is merely waiting for its turn, on a busy machine too, comes sooner


class WorkClock:
    """Counts from its making on, or from an earlier moment."""

    def __init__(self, started: float | None = None) -> None:
        """`started`: by the monotonic clock of this process or its parent's, which all systems count from their start.

        Nothing is lost between that moment and now.
        """
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._started = self._looked if started is None else started
        self._lost = 0.0
        threading.Thread(target=_look, args=(weakref.ref(self),), daemon=True).start()

    @property
    def seconds(self) -> float:
        """Seconds of running so far."""
        with self._lock:
            return self._look() - self._started - self._lost

    def tick(self) -> None:
        """Look at the clock, and notice a gap since the last look."""
        with self._lock:
            self._look()

    def _look(self) -> float:
        now = time.monotonic()
        gap = now - self._looked
        if gap > GAP_SECONDS:
            self._lost += gap
        self._looked = now
        return now


def _look(clock: "weakref.ref[WorkClock]") -> None:
    """Look as long as somebody holds the clock."""
    while (held := clock()) is not None:
        held.tick()
        del held
        time.sleep(POLL_INTERVAL_SECONDS)
