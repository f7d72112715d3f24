"""Watches a supervised child's memory and the machine's from outside, and acts on the limits.

The child and its descendants are looked at 10 times a second, and up to 50 times where they are near their limit; who
they are, and the machine, as often as keeps the watching below half a percent of one core.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import psutil

from lm.formatting import format_bytes
from lm.memory.budget import SOFT_SHARE, Budget
from lm.memory.usage import process_bytes
from lm.supervision.memory_pressure import RESERVE_SHARE, MemoryPressure
from lm.supervision.messages import MEMORY, Request
from lm.supervision.process_tree import ProcessTree
from lm.supervision.top_memory_growth import OtherPrograms

MAX_POLL_SECONDS, MIN_POLL_SECONDS = 0.1, 0.02  # between two looks at the child: often where it is near its limit
MAX_GROWTH_BYTES_PER_SECOND = 2 * 2**30  # bytes a second that a process may grow by
MACHINE_SECONDS, SAMPLE_SECONDS = 0.1, 0.25
SHARE_OF_A_CORE = 0.001  # that each of the rarer looks may take
FAMILY_SECONDS = 0.5
TIMEOUT_SECONDS = 20.0  # with a child that was asked to stop while the machine has no memory left
KEPT_SAMPLES = 1000  # beyond that every second one goes, and they are taken half as often


class MemorySample(NamedTuple):
    """One look at memory, in bytes; `seconds` on the monotonic clock."""

    seconds: float
    tree_bytes: int
    orchestrator_bytes: int
    available_bytes: int


class _Interval:
    """Says when it is time for something again: every `seconds`, or more rarely where it turns out to be slow."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._next = seconds, 0.0

    def run(self, work: Callable[[], Any]) -> None:
        """Do it if its time has come."""
        started = time.monotonic()
        if started >= self._next:
            spent = time.thread_time()
            work()
            self._next = started + max(self.seconds, (time.thread_time() - spent) / SHARE_OF_A_CORE)


class MemoryWatch:
    """A thread that watches until the child is gone, keeps samples, and asks, stops or kills.

    `ask` sends a request to the child: `shrink` to do with less and go on, `stop` to save and leave. `reason` says why
    memory ended the child, `ours` whether the child itself was too large; None and True until it does. `crossing` says
    how the child came near its budget, from when it is asked to do with less until it does.
    """

    def __init__(
        self, child: psutil.Process, budget: Budget, is_alive: Callable[[], bool], ask: Callable[[Request], None]
    ) -> None:
        self.budget = budget
        self.reason: str | None = None
        self.ours = True
        self.samples: list[MemorySample] = []
        self.peak_bytes = 0
        self._is_alive, self._ask = is_alive, ask
        self._family, self._shortage, self._others = ProcessTree(child), MemoryPressure(), OtherPrograms()
        self._stopping_since: float | None = None
        self.crossing: str | None = None
        self._sample_seconds = SAMPLE_SECONDS
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def shrunk(self) -> None:
        """The child does with less now: the next time that it is too large it may be asked again."""
        self.crossing = None

    def kill(self) -> None:
        """End the child and all its descendants."""
        self._family.kill()

    def _watch(self) -> None:
        family, others, machine = _Interval(FAMILY_SECONDS), _Interval(FAMILY_SECONDS), _Interval(MACHINE_SECONDS)
        while self._is_alive():
            tree = self._family.tree_bytes()
            self.peak_bytes = max(self.peak_bytes, tree)
            self._heed_budget(tree)
            family.run(self._family.look_up_descendants)
            others.run(self._family.look_up_others)
            machine.run(partial(self._heed_machine, tree))
            time.sleep(self._pause(tree))

    def _pause(self, tree: int) -> float:
        """Until the next look: less than the child could take to reach its soft limit from here."""
        room = SOFT_SHARE * self.budget.bytes - tree
        return min(MAX_POLL_SECONDS, max(MIN_POLL_SECONDS, room / MAX_GROWTH_BYTES_PER_SECOND / 2))

    def _heed_budget(self, tree: int) -> None:
        """Kill beyond the budget; just below it ask the child to do with less."""
        if tree > self.budget.bytes:
            self.reason = self.reason or f"it grew to {format_bytes(tree)}"
            self.kill()
        elif tree > SOFT_SHARE * self.budget.bytes and self.crossing is None:
            self.crossing = f"it grew to {format_bytes(tree)}"
            self._ask({"ask": "shrink", "reason": self.crossing})

    def _heed_machine(self, tree: int) -> None:
        """Have the child stop when others need the machine's last memory, and kill it when it does not."""
        headrooms, wrong = self._shortage.look(tree)
        self._keep_sample(tree, min(headroom.free_bytes for headroom in headrooms))
        if wrong and self._stopping_since is None:
            self._stopping_since = time.monotonic()
            who = self._others.largest_growth(self._family.pids())
            self.reason, self.ours = self.reason or ": ".join(filter(None, (wrong, who))), False
            self._ask({"ask": "stop", "reason": MEMORY})
        elif self._stopping_since is not None and (
            time.monotonic() - self._stopping_since > TIMEOUT_SECONDS
            or any(headroom.free_bytes < RESERVE_SHARE / 3 * headroom.limit_bytes for headroom in headrooms)
        ):
            self.kill()

    def _keep_sample(self, tree: int, free: int) -> None:
        """Keep samples evenly spaced, and never very many: every second one goes whenever there are."""
        now = time.monotonic()
        if self.samples and now - self.samples[-1].seconds < 0.9 * self._sample_seconds:
            return
        self.samples.append(MemorySample(now, tree, sum(map(process_bytes, self._family.others)), free))
        if len(self.samples) > KEPT_SAMPLES:
            self.samples = self.samples[::2]
            self._sample_seconds *= 2
