"""What is cleaned at once: a source, or a stretch of one that holds many documents, so that all cores have work.

Where a source is cut follows from its bytes alone, never from the number of cores.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lm.clean.decoding import chosen_encoding, find_encoding
from lm.clean.readers.input_file import DEFAULTS, ReadingSettings
from lm.clean.readers.plain_text import HEAD_CHARACTERS, find_separator
from lm.clean.readers.registry import JSON_LINES, TEXT, recognise
from lm.supervision.worker_pool import SHARD_BYTES
from lm.text.file_kind import HEAD_BYTES, file_kind
from lm.text.raw_sources import RawSource

BLOCK_BYTES = 2**20
LINE_END = re.compile(b"\n")


class Shard(NamedTuple):
    """A source, or bytes [start, end) of one in UTF-8: whole lines, the first document of which is number `first`."""

    source: RawSource
    start: int = 0
    end: int | None = None  # None: all of it, whatever kind of file it is
    first: int = 1

    @property
    def bytes(self) -> int:
        """How many bytes it has."""
        return self.source.bytes if self.end is None else self.end - self.start


def shards_of(raw: Path, source: RawSource, settings: ReadingSettings = DEFAULTS) -> Iterator[Shard]:
    """Cut a source of the raw artifact's folder `raw` where it holds many documents, and may be read from the middle.

    That is 32 MiB or more of plain UTF-8, JSON lines or texts with a separator: that of the settings where
    the source's own list states none. Memory: a megabyte, whatever the lines.
    """
    path = raw / source.path
    ends = _document_end(source, path, settings) if source.bytes >= 2 * SHARD_BYTES else None
    if ends is None:
        yield Shard(source=source)
        return
    start, first = 0, 1
    with path.open("rb") as stream:
        while cut := _next_cut(stream, start + SHARD_BYTES, ends):
            before, after = cut
            yield Shard(source=source, start=start, end=before, first=first)
            first += _count(stream, start, after, ends)
            start = after
    yield Shard(source=source, start=start, end=source.bytes, first=first)


class ByteRange(io.RawIOBase):
    """Bytes [start, end) of a file, as a file of their own."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = end - start

    def readable(self) -> bool:
        """It can be read from."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower than any buffer
        """Read what comes next, at most to the end of the range."""
        count: int = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def _document_end(source: RawSource, path: Path, settings: ReadingSettings) -> re.Pattern[bytes] | None:
    """What stands between two documents of a source; None where that is not known without reading it all."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_CHARACTERS)
    if file_kind(head[:HEAD_BYTES]) != "text":
        return None
    text = head.decode("utf-8", "replace").replace("\r\n", "\n")
    form = JSON_LINES if source.format == "jsonl" else recognise(source.name, "text", text)
    separator = find_separator(text, source.separator or settings.separator)
    if form is JSON_LINES:
        ends = LINE_END
    elif form is TEXT and separator:
        token = re.escape(separator.text.encode())
        ends = re.compile(token + rb"[ \t]*\r?\n?" if separator.is_token else rb"(?<=\n)" + token + rb"\r?\n")
    else:
        return None
    return ends if find_encoding(path, chosen_encoding(settings.encodings, source.name)).encoding == "utf-8" else None


def _next_cut(stream: BinaryIO, position: int, ends: re.Pattern[bytes]) -> tuple[int, int] | None:
    """The first end of a document beyond a position: where the one before it ends, where the next begins."""
    stream.seek(position)
    block = b""
    while more := stream.read(BLOCK_BYTES):
        block = block[-len(ends.pattern) - 2 :] + more
        if match := ends.search(block):
            block_start = stream.tell() - len(block)
            before = match.end() if ends is LINE_END else match.start()
            return block_start + before, block_start + match.end()
    return None


def _count(stream: BinaryIO, start: int, end: int, ends: re.Pattern[bytes]) -> int:
    """How many documents end within [start, end), which ends with the end of one."""
    stream.seek(start)
    found, kept = 0, b"" if ends is LINE_END else b"\n"  # it begins a line
    while (left := end - stream.tell()) > 0:
        block = kept + stream.read(min(BLOCK_BYTES, left))
        if ends is LINE_END:
            found += block.count(b"\n")
            if b"\r" in block:  # in few texts, and looking for pairs is slow
                found += block.count(b"\r") - block.count(b"\r\n")
            kept = b"\r" if block.endswith(b"\r") else b""
            found -= len(kept)
            continue
        matches = [match.end() for match in ends.finditer(block)]
        found += len(matches)
        kept = block[max(len(block) - len(ends.pattern) - 2, matches[-1] - 1 if matches else 0) :]
    return found
