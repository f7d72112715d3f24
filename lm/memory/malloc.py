"""Memory that is free inside this process, given back to the system."""

import ctypes
import sys

WORK_BYTES = 6 * 2**20  # less than the part of a long text


def trim_malloc() -> None:
    """Return all of it: glibc keeps what it may need again, or what lies below something that is still needed."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)


class MallocTrimmer:
    """Is given back after every WORK_BYTES of work: blocks of megabytes, hardly two of a size, leave gaps between
    them that no other fits, a little more with every block.
    """

    def __init__(self) -> None:
        self._bytes = 0

    def count(self, work_bytes: int) -> None:
        """Note that so many bytes were worked on since the last time."""
        self._bytes += work_bytes
        if self._bytes >= WORK_BYTES:
            trim_malloc()
            self._bytes = 0
