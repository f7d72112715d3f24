"""What cleaning made of each shard, kept so that the next corpus that holds the same source need not clean it again.

A pack, `data/parts/<key>-<hash>.parquet`, holds the parts of one or more shards: a row for each document, kept or
rejected, in order; which rows are whose stands in the footer. The hash is that of the file. A part is found by the hash
of all that decides it: the source's content, name and form, the settings that look at one document at a time, and the
version of cleaning. A pack is written beside its name and renamed, never changed, and may be deleted at any time.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow.arrays import integer_array, string_array
from lm.arrow.row_group_writer import RowGroupWriter
from lm.clean.pack_file import name_by_hash
from lm.clean.part_counts import PartCounts
from lm.clean.shards import Shard
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
STALE_SECONDS = 86_400.0  # of a pack that was never finished


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
        self._path, self._file = path, replace_atomically(path)
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
        if kind is None:
            name_by_hash(self._path)


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
