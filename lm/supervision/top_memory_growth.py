"""Who took the machine's memory: the other program that grew most."""

import psutil

from lm.formatting import format_bytes
from lm.memory.usage import process_bytes

WORTH_NAMING_BYTES = 64 * 2**20


class OtherPrograms:
    """What every process held when a stage began, to name the one that has grown most since."""

    def __init__(self) -> None:
        self._at_first = {process.pid: process_bytes(process) for process in psutil.process_iter()}

    def largest_growth(self, ours: set[int]) -> str:
        """The program that grew most, in words; empty where none grew by much. `ours` are process ids to leave out.

        One that was not there at first has grown by all that it holds.
        """
        grown, largest = 0, None
        for process in psutil.process_iter():
            growth = process_bytes(process) - self._at_first.get(process.pid, 0)
            if growth > grown and process.pid not in ours:
                grown, largest = growth, process
        if largest is None or grown < WORTH_NAMING_BYTES:
            return ""
        try:
            name = largest.name()
        except psutil.Error:
            return ""
        return f"{name} (process {largest.pid}) grew by {format_bytes(grown)} since this stage began"
