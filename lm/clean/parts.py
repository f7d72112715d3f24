"""What cleaning made of each shard, kept so that the next corpus that holds the same source need not clean it again.

A pack, `data/parts/<key>.parquet`, holds the parts of one or more shards: a row for each document, kept or rejected, in
order; which rows are whose stands in the footer. A part is found by the hash of all that decides it: the source's
content, name and form, the settings that look at one document at a time, and the version of cleaning. A pack is
written beside its name and renamed, never changed, and may be deleted at any time.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow.arrays import integer_array, string_array
from lm.arrow.row_group_writer import RowGroupWriter
from lm.clean.readings import FileReading, ReadingCounts, Skipped
from lm.clean.shards import Shard
from lm.errors import Stopped
from lm.memory.malloc import MallocTrimmer
from lm.store.files import replace_atomically
from lm.store.keys import fingerprint
from lm.text.shingles import Hashed

SCHEMA_VERSION = 4  # 3 had no characters and no opening_id
BANDS_BYTES = 128  # of a document: the keys by which `near_duplicates.py` compares it
# reason: "" for what is kept; opening_id: hash of the first OPENING_ID_CHARACTERS, which stay when a text grows
STRINGS = ("document_id", "opening_id", "source", "title", "licence", "text", "reason", "value", "opening")
NUMBERS = ("bytes", "characters", "part")  # part: as in RawDocument
SCHEMA = pa.schema(
    [(name, pa.string()) for name in STRINGS]
    + [(name, pa.int64()) for name in NUMBERS]
    + [("bands", pa.binary(BANDS_BYTES)), ("runs", pa.binary())],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)
DICTIONARIES = ["source", "licence", "reason"]
OPENING_ID_CHARACTERS = 256
GROUPS_KEPT = 8  # row groups of several sources, a megabyte each: a corpus may go back and forth between packs
STALE_SECONDS = 86_400.0  # of a pack that was never finished


@dataclass(slots=True)
class CleaningCounts:
    """What was taken out on the way."""

    dropped_empty: int = 0
    boilerplate_bytes: int = 0
    control_characters: int = 0
    replaced_characters: int = 0
    repaired_lines: int = 0
    line_breaks: int = 0  # that were not \n or \r\n
    joined_words: int = 0

    def add(self, other: "CleaningCounts") -> None:
        """Count what another has counted too."""
        for name, count in asdict(other).items():
            setattr(self, name, getattr(self, name) + count)


@dataclass(slots=True)
class PartCounts:
    """What was met in one shard."""

    reading: ReadingCounts = field(default_factory=ReadingCounts)
    cleaning: CleaningCounts = field(default_factory=CleaningCounts)
    expanded_bytes: int = 0

    def as_json(self) -> str:
        """All that is not zero or empty."""
        kept: dict[str, Any] = {
            name: {each.name: value for each in fields(counts) if (value := getattr(counts, each.name))}
            for name, counts in (("reading", self.reading), ("cleaning", self.cleaning))
        }
        return json.dumps(kept | {"expanded_bytes": self.expanded_bytes})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The same again."""
        value = json.loads(text)
        reading = ReadingCounts(**value["reading"])
        reading.skipped = [Skipped(*skipped) for skipped in reading.skipped]
        reading.skipped_reasons = Counter(reading.skipped_reasons)
        reading.readings = [FileReading(*found) for found in reading.readings]
        return cls(reading, CleaningCounts(**value["cleaning"]), value["expanded_bytes"])

    def add(self, other: "PartCounts", source: str = "") -> None:
        """Count what another has counted too, in the source of this name."""
        self.reading.add(other.reading, source)
        self.cleaning.add(other.cleaning)
        self.expanded_bytes += other.expanded_bytes


class Part(NamedTuple):
    """Where the part of a shard is: rows [first_row, end_row) of a pack; and what was met."""

    path: Path
    source: str
    address: str
    sha256: str
    first_row: int
    end_row: int
    counts: str  # JSON of PartCounts; a hundred thousand small files have few different ones


class Row(NamedTuple):
    """One document of a pack; `shard` is its place among the pack's shards."""

    shard: int
    document_id: str
    opening_id: str
    source: str
    title: str
    licence: str
    text: str
    reason: str
    value: str
    opening: str
    bytes: int
    characters: int
    part: int


def part_key(shard: Shard, settings: Mapping[str, Any], version: int) -> str:
    """Hash all that decides the part of a shard."""
    deciding = shard.source.model_dump(include={"name", "title", "licence", "format", "separator", "sha256"})
    stretch = [shard.start, shard.end, shard.first]
    return fingerprint({"version": version, "source": deciding, "stretch": stretch, "settings": dict(settings)})


def pack_key(part_keys: Sequence[str]) -> str:
    """The name of the pack that holds these parts."""
    return fingerprint(list(part_keys))


class PackWriter:
    """Writes a pack: it has its name once it is whole and on disk, and not before."""

    def __init__(self, path: Path, shards: Sequence[Shard], keys: Sequence[str]) -> None:
        self._shards, self._keys = shards, keys
        self._file = replace_atomically(path)
        self._rows = [0] * len(shards)
        self.counts = [PartCounts() for _ in shards]
        self._writer = RowGroupWriter(
            self._file.__enter__(), SCHEMA, compression="lz4", use_dictionary=DICTIONARIES, write_statistics=False,
            write_page_checksum=True,
        )  # fmt: skip
        self._freed = MallocTrimmer()

    def write(self, rows: Sequence[Row], bands: npt.NDArray[np.uint64], sampled: Hashed) -> None:
        """Add documents in the order of their shards, as a row group.

        bands: (documents, BANDS); sampled: those of their runs of words that are in the sample.
        """
        for row in rows:
            self._rows[row.shard] += 1
        values = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
        columns = [string_array(values[name]) for name in STRINGS] + [integer_array(values[name]) for name in NUMBERS]
        columns.append(pa.Array.from_buffers(pa.binary(BANDS_BYTES), len(rows), [None, pa.py_buffer(bands)]))
        ends = pa.py_buffer((sampled.offsets * sampled.hashes.itemsize).astype(np.int32))
        columns.append(pa.Array.from_buffers(pa.binary(), len(rows), [None, ends, pa.py_buffer(sampled.hashes)]))
        self._writer.write(pa.Table.from_arrays(columns, schema=SCHEMA))
        self._freed.count(sum(row.bytes for row in rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ends = np.cumsum(self._rows).tolist()
        parts = [
            {
                "key": key,
                "source": shard.source.name,
                "address": shard.source.address,
                "sha256": shard.source.sha256,
                "first_row": end - count,
                "end_row": end,
                "counts": counts.as_json(),
            }
            for key, shard, counts, count, end in zip(
                self._keys, self._shards, self.counts, self._rows, ends, strict=True
            )
        ]
        self._writer.close({"parts": json.dumps(parts)} if kind is None else None)
        self._file.__exit__(kind, error, trace)


def sweep(folder: Path) -> None:
    """Remove what killed writers left behind."""
    for unfinished in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - unfinished.stat().st_mtime > STALE_SECONDS:
                unfinished.unlink()


def packs(folder: Path) -> Iterator[tuple[Path, dict[str, Part]]]:
    """Every pack of a folder, with its parts by their keys: none where it cannot be read, or is of another schema."""
    for path in sorted(folder.glob("[!.]*.parquet")):
        try:
            footer = pq.read_metadata(path).metadata or {}
            known = int(footer[b"schema_version"]) == SCHEMA_VERSION
            listed = json.loads(footer[b"parts"]) if known else []
            parts = {part.pop("key"): Part(path, **part | {"counts": sys.intern(part["counts"])}) for part in listed}
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError):
            parts = {}
        yield path, parts


def find_parts(folder: Path) -> dict[str, Part]:
    """All parts that are kept, by their keys."""
    return {key: part for _, parts in packs(folder) for key, part in parts.items()}


def touch(parts: Iterable[Part]) -> None:
    """Note that packs are in use: `retention.py` removes those first that were not for longest."""
    for path in {part.path for part in parts}:
        with suppress(FileNotFoundError):
            os.utime(path)


class Assembly:
    """The rows of parts, one after the other, a row group in memory at a time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._stretches = list(_joined(parts))
        self._kept: dict[tuple[Path, int], pa.Table] = {}

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield all rows in order, in tables of these columns; the same columns or fewer in the same way any time.

        Raises Stopped where a pack is damaged (page checksums are verified) or gone: it is removed, to be made again.
        """
        self._kept.clear()
        freed = MallocTrimmer()
        for path, first, end in self._stretches:
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    for table in self._rows(path, file, columns, first, end):
                        size = table.nbytes
                        yield table
                        del table  # before the next is read
                        freed.count(size)
            except MemoryError:
                raise
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                path.unlink(missing_ok=True)
                raise Stopped(
                    f"clean: {path} was damaged or removed ({error}): run this again, what it held is cleaned anew"
                ) from error

    def _rows(
        self, path: Path, file: pq.ParquetFile, columns: Sequence[str], first: int, end: int
    ) -> Iterator[pa.Table]:
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if start < end and start + rows > first:
                table = self._group(path, file, columns, group, shared=first > start or end < start + rows)
                begin = max(first - start, 0)
                table = table.slice(begin, min(end - start, rows) - begin)
                yield table
                del table
            start += rows

    def _group(self, path: Path, file: pq.ParquetFile, columns: Sequence[str], group: int, *, shared: bool) -> pa.Table:
        if kept := self._kept.get((path, group)):
            return kept
        table = file.read_row_group(group, columns=list(columns), use_threads=False)
        if shared:  # of several sources, so it is small, and the corpus may come back to it
            if len(self._kept) == GROUPS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[path, group] = table
        return table


def _joined(parts: Iterable[Part]) -> Iterator[tuple[Path, int, int]]:
    """Stretches of rows; neighbours in a pack are one."""
    path, first, end = None, 0, 0
    for part in parts:
        if part.path == path and part.first_row == end:
            end = part.end_row
            continue
        if path and end > first:
            yield path, first, end
        path, first, end = part.path, part.first_row, part.end_row
    if path and end > first:
        yield path, first, end
