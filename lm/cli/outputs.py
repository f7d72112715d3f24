"""Standard output and standard error, whatever they are: closed, full, gone, or in an encoding that lacks letters."""

import io
import os
import sys
from typing import Any, TextIO

STREAMS = ("stdin", "stdout", "stderr")


def open_outputs() -> None:
    """Have what is written to closed outputs go nowhere, and letters that an encoding lacks be written as `\\u0436`.

    A closed output is opened first: the next file that is opened would take its number, and what is printed.
    """
    for number, name in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_what_cannot_be_written() -> None:
    """Let what this process does not depend on who reads of it: once an output fails, the rest of it is dropped."""
    sys.stdout, sys.stderr = _forgiving(sys.stdout, 1), _forgiving(sys.stderr, 2)


def _forgiving(stream: TextIO, number: int) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # a test's, or a notebook's
    stream.flush()
    file = io.BufferedWriter(_ForgivingFile(number, "w", closefd=False))
    return io.TextIOWrapper(file, stream.encoding, stream.errors, line_buffering=True)


class _ForgivingFile(io.FileIO):
    """A file that takes everything: a reader that is gone and a disk that is full are no reason to stop."""

    def write(self, content: Any, /) -> int:
        """Write what can be written."""
        try:
            return super().write(content)
        except OSError:
            return memoryview(content).nbytes
