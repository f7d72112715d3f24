"""How threads wait for each other: spinning while the machine is theirs, asleep while other programs want its cores.

libgomp's threads spin for milliseconds where they wait. Alone that is the fastest; where another program has one of the
cores, those that spin take the rest from the one that all wait for, and a training on two cores takes three times as
long (`make bench-neighbours`). With more OpenMP threads than cores libgomp has all of them sleep almost at once
(GOMP_SPINCOUNT in its manual), so a thread that does nothing but be one too many switches it, and its end switches it
back. No result depends on it. Linux alone; elsewhere threads wait as their library has it.
"""

import threading
from contextlib import suppress
from pathlib import Path

POLL_INTERVAL_SECONDS = 1.0
CROWDED_SHARE, CALM_SHARE = 0.1, 0.05  # of the time, that threads ready to run had no core, all of them together
CALM_SAMPLES = 5
STACKS_BYTES = 16 * 2**20  # that the two threads of a crowd reserve


class OmpWaitPolicy:
    """Looks once a second whether other programs take cores from this process, and has its threads wait accordingly."""

    def __init__(self) -> None:
        self._crowd: threading.Event | None = None
        self._delays = dict[str, float]()
        self._calm_looks = 0

    def watch(self) -> None:
        """Go on looking, in a thread of its own, until the process ends. It looks already: nothing."""
        if not self._delays and (delays := run_delays()):
            self._delays = delays
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(POLL_INTERVAL_SECONDS):
            self._look()

    def _look(self) -> None:
        before, self._delays = self._delays, run_delays()
        waited = (
            sum(delay - before.get(thread, delay) for thread, delay in self._delays.items()) / POLL_INTERVAL_SECONDS
        )
        self._calm_looks = self._calm_looks + 1 if waited < CALM_SHARE else 0
        if self._crowd is None and waited > CROWDED_SHARE and _may_reserve(STACKS_BYTES):
            self._crowd = threading.Event()
            threading.Thread(target=_be_one_too_many, args=(self._crowd,), daemon=True).start()
        elif self._crowd and self._calm_looks >= CALM_SAMPLES:
            self._crowd.set()
            self._crowd = None


def run_delays() -> dict[str, float]:
    """Seconds for which each thread of this process was ready to run and had no core; empty where that is not known."""
    delays = dict[str, float]()
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, IndexError):  # a thread that has just ended
            delays[path.parent.name] = int(path.read_text().split()[1]) / 1e9
    return delays


def _be_one_too_many(until: threading.Event) -> None:
    """Have a team of two OpenMP threads, this one and another, that do nothing until told; its end ends both."""
    import torch

    torch.set_num_threads(2)  # of this thread alone
    torch.ones(1 << 16).add_(1)
    until.wait()


def _may_reserve(wanted_bytes: int) -> bool:
    """Whether the cap lets this process reserve so much more: libgomp ends one that cannot start a thread."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return True
    data_kib = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0])
    return data_kib * 1024 + 2 * wanted_bytes < limit
