"""Who took the machine's memory: the other program that grew most since the last looks."""

import psutil

from lm.memory import format_bytes, process_bytes

WORTH_NAMING_BYTES = 64 * 2**20


class OtherPrograms:
    """Resident memory of every process that is not ours, remembered to name the one that grew."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}

    def remember(self, ours: set[int]) -> None:
        """Take note of what everybody holds now; call it before there is a shortage, and every few seconds.

        What a program held at first stays: growth counts from then on.
        """
        now = {process.pid: process_bytes(process) for process in psutil.process_iter() if process.pid not in ours}
        self._before = {pid: min(self._before.get(pid, held), held) for pid, held in now.items()}

    def largest_growth(self, ours: set[int]) -> str:
        """The program that grew most, in words; empty where none grew by much.

        One that was not there at the last look has grown by all that it holds.
        """
        grown, largest = 0, None
        for process in psutil.process_iter():
            growth = process_bytes(process) - self._before.get(process.pid, 0) if process.pid not in ours else 0
            if growth > grown:
                grown, largest = growth, process
        if largest is None or grown < WORTH_NAMING_BYTES:
            return ""
        try:
            name = largest.name()
        except psutil.Error:
            return ""
        return f"{name} (process {largest.pid}) grew by {format_bytes(grown)}"
