"""Compressed files: opened as streams of what they expand to, and named by their suffixes."""

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from lm.text.file_kind import FileKind

BLOCK_BYTES = 2**20
XZ_MEMORY_BYTES = 128 * 2**20  # for its dictionary: `xz -9` needs 65 MiB
SUFFIXES: dict[FileKind, tuple[str, ...]] = {
    "a gzip file": (".gz", ".gzip"),
    "a bzip2 file": (".bz2",),
    "an xz file": (".xz",),
    "a zstandard file": (".zst", ".zstd"),
}
SHORT_SUFFIXES = {".tgz": ".tar", ".tbz2": ".tar", ".txz": ".tar"}


@contextmanager
def open_compressed(path: Path, kind: FileKind) -> Iterator[IO[bytes]]:
    """Open a compressed file as a stream of what it expands to."""
    with path.open("rb") as file:
        if kind == "a gzip file":
            yield gzip.GzipFile(fileobj=file)  # type: ignore[misc]  # a stream of bytes in all but its declaration
        elif kind == "a bzip2 file":
            yield bz2.BZ2File(file)
        elif kind == "an xz file":
            yield _XzReader(file)
        else:
            from pyarrow import CompressedInputStream  # the standard library reads no zstandard

            yield CompressedInputStream(file, "zstd")


class _XzReader(io.BytesIO):
    """Reads xz as `lzma.LZMAFile` does, with a bound on the memory that a file may ask for."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file, self._decoder = file, _xz_decoder()

    def read(self, size: int | None = -1) -> bytes:
        """Read up to `size` bytes; nothing at the end."""
        while True:
            if self._decoder.eof:
                rest = (self._decoder.unused_data or self._file.read(BLOCK_BYTES)).lstrip(b"\0")
                if not rest:
                    return b""
                self._decoder = _xz_decoder()
            else:
                rest = self._file.read(BLOCK_BYTES) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not rest:
                    raise EOFError
            if block := self._decoder.decompress(rest, size or -1):
                return block


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)


def uncompressed_name(name: str, kind: FileKind) -> str:
    """Name what a compressed file expands to."""
    stem, dot, suffix = name.rpartition(".")
    if (lowered := f".{suffix.lower()}") in SUFFIXES[kind]:
        return stem
    return stem + SHORT_SUFFIXES[lowered] if dot and lowered in SHORT_SUFFIXES else name


def known_suffix(name: str) -> str:
    """The suffix of a file's name as far as it matters to a reader of the folder it is copied to, such as `.tar.gz`."""
    known = {".html", ".htm", ".md", ".parquet", ".zip", ".epub", ".tar", ".jsonl", *SHORT_SUFFIXES}
    known.update(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
    found = list[str]()
    for suffix in reversed(PurePosixPath(name.lower()).suffixes):
        if suffix not in known:
            break
        found.insert(0, suffix)
    return "".join(found) or ".txt"
