"""A file that is still arriving: how much of it is safely on disk, and how the rest may be asked for."""

import os
import time
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from lm.config import StageConfig
from lm.errors import SlowburnError
from lm.store.files import SCHEMA_VERSION, read_json, write_record

FLUSH_SECONDS = 10.0  # a power cut loses what arrived since the last flush


class Arrived(StageConfig):
    """What a transfer must know to go on where another one was cut."""

    schema_version: int = SCHEMA_VERSION
    bytes: int = 0  # flushed to disk
    total: int | None = None
    validator: str = ""  # the ETag or date by which the server knows this very content


class PartialFile:
    """A file being written, with its facts in a sibling `.json`.

    Only flushed bytes count, so that what is resumed after a power cut is whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._facts = path.with_suffix(".json")
        self.arrived = self._read_facts()

    def _read_facts(self) -> Arrived:
        try:
            arrived = Arrived.model_validate(read_json(self._facts))
            return arrived if arrived.validator and self.path.stat().st_size >= arrived.bytes else Arrived()
        except (SlowburnError, ValidationError, OSError):
            return Arrived()

    def note(self, arrived: Arrived) -> None:
        """Write down what is safe."""
        self.arrived = arrived
        write_record(self._facts, arrived.model_dump(mode="json"))

    def forget(self) -> None:
        """Drop what is known: the next attempt begins anew, or there is none because the file is whole."""
        self._facts.unlink(missing_ok=True)
        self.arrived = Arrived()

    def discard(self) -> None:
        """Remove it: what has arrived is of no use."""
        self.forget()
        self.path.unlink(missing_ok=True)


class PartialWriter:
    """Writes a partial file from `start` on, and notes from time to time what is safe."""

    def __init__(self, partial: PartialFile, start: int, total: int | None, validator: str) -> None:
        self._partial = partial
        self.bytes, self.total, self.validator = start, total, validator
        self._stream: BinaryIO = partial.path.open("r+b" if start else "wb")
        self._stream.seek(start)
        self._stream.truncate()
        self._flushed = time.monotonic()

    def write(self, block: bytes) -> None:
        """Add a block."""
        self._stream.write(block)
        self.bytes += len(block)
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Put all on disk, then say so."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        if self.validator:
            self._partial.note(Arrived(bytes=self.bytes, total=self.total, validator=self.validator))
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush and close."""
        try:
            self.flush()
        finally:
            self._stream.close()
