"""Writes `documents.parquet`, from tables of text that no one turns into Python's strings on the way."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lm.arrow.arrays import string_array, take_rows
from lm.arrow.row_group_writer import RowGroupWriter
from lm.text.documents import FILE_NAME, SCHEMA
from lm.text.licences import LicenceCounts
from lm.text.splits import SPLITS, Split

ROW_GROUP_BYTES = 4 * 2**20  # of text; a longer document has a row group of its own
COUNTS = ("documents", "bytes", "characters")
COLUMNS = tuple(name for name in SCHEMA.names if name != "split")  # of a table that is to be written

Sided = tuple[pa.Table, npt.NDArray[np.bool_]]  # documents, by COLUMNS, and which of them are held out: (rows,)


class DocumentWriter:
    """Equal documents in equal order give equal bytes, whatever the tables that they come in."""

    def __init__(self, path: Path) -> None:
        self._writer = RowGroupWriter(
            path,
            SCHEMA,
            compression="zstd",
            use_dictionary=["source", "split", "licence"],
            write_statistics=["split"],
            write_page_checksum=True,
        )
        self._waiting: dict[Split, list[pa.Table]] = {split: [] for split in SPLITS}
        self._bytes: dict[Split, int] = dict.fromkeys(SPLITS, 0)

    def write(self, table: pa.Table, splits: Sequence[Split], text_bytes: Sequence[int]) -> None:
        """Add documents, each of its split and with so many bytes of text."""
        chosen: dict[Split, list[int]] = {split: [] for split in SPLITS}
        for row, (split, size) in enumerate(zip(splits, text_bytes, strict=True)):
            if self._bytes[split] + size > ROW_GROUP_BYTES:
                self._waiting[split].append(take_rows(table, chosen[split]))
                self._flush(split)
                chosen[split] = []
            chosen[split].append(row)
            self._bytes[split] += size
        for split, rows in chosen.items():
            self._waiting[split].append(take_rows(table, rows))

    def _flush(self, split: Split) -> None:
        documents = pa.concat_tables(self._waiting[split]).combine_chunks()
        if len(documents):
            sided = documents.append_column("split", string_array([split] * len(documents)))
            self._writer.write(sided.select(SCHEMA.names).cast(SCHEMA))
        self._waiting[split], self._bytes[split] = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            for split in SPLITS:
                if self._waiting[split]:
                    self._flush(split)
        self._writer.close()


class WrittenDocuments(NamedTuple):
    """What `documents.parquet` holds. A corpus is the part of a source's name before its first slash."""

    train_documents: int
    train_bytes: int
    train_characters: int
    heldout_documents: int
    heldout_bytes: int
    heldout_characters: int
    longest_document_bytes: int
    sources: dict[str, dict[str, int]]  # documents, bytes and characters of each corpus
    licences: dict[str, dict[str, int]]  # bytes of each licence, by corpus


def write_documents(tables: Iterable[Sided], out: Path) -> WrittenDocuments:
    """Write `documents.parquet` into a folder; return what is in it."""
    sides = {split: dict.fromkeys(COUNTS, 0) for split in SPLITS}
    sources: dict[str, dict[str, int]] = {}
    licences, longest_bytes = LicenceCounts(), 0
    with DocumentWriter(out / FILE_NAME) as writer:
        for table, is_heldout in tables:
            splits = [SPLITS[held] for held in is_heldout.tolist()]
            text_bytes = pc.binary_length(table["text"]).to_pylist()
            writer.write(table, splits, text_bytes)
            for (name, licence, split), amounts in _amounts(table, splits, text_bytes).items():
                corpus = name.partition("/")[0]
                source = sources.setdefault(corpus, dict.fromkeys(COUNTS, 0))
                licences.add(corpus, licence, amounts[1])
                for count, amount in zip(COUNTS, amounts, strict=True):
                    sides[split][count] += amount
                    source[count] += amount
            longest_bytes = max(longest_bytes, *text_bytes, 0)
    train, heldout = (sides[split] for split in SPLITS)
    return WrittenDocuments(
        train_documents=train["documents"],
        train_bytes=train["bytes"],
        train_characters=train["characters"],
        heldout_documents=heldout["documents"],
        heldout_bytes=heldout["bytes"],
        heldout_characters=heldout["characters"],
        longest_document_bytes=longest_bytes,
        sources=sources,
        licences=licences.bytes,
    )


def _amounts(
    table: pa.Table, splits: Sequence[Split], text_bytes: Sequence[int]
) -> dict[tuple[str, str, Split], list[int]]:
    """How many documents, bytes and characters there are of each source, licence and split, as they come."""
    kinds = list(zip(table["source"].to_pylist(), table["licence"].to_pylist(), splits, strict=True))
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
    kind_of = np.fromiter(map(numbers.__getitem__, kinds), np.int64, len(kinds))
    amounts = np.zeros((len(numbers), len(COUNTS)), np.int64)
    for place, column in enumerate(([1] * len(kinds), text_bytes, count_characters(table))):
        np.add.at(amounts[:, place], kind_of, column)
    return dict(zip(numbers, amounts.tolist(), strict=True))


def count_characters(table: pa.Table) -> list[int]:
    """How many characters the text of each document has."""
    return list(pc.utf8_length(table["text"]).to_pylist())


def cut_in_two(table: pa.Table, row: int, characters: int) -> tuple[pa.Table, bytes]:
    """The table with two rows for one, cut after so many characters of its text, and the first one's text in UTF-8."""
    document, place = table.slice(row, 1), table.column_names.index("text")
    halves = [pc.utf8_slice_codeunits(document["text"], *ends) for ends in ((0, characters), (characters, None))]
    pieces = [document.set_column(place, "text", half) for half in halves]
    return pa.concat_tables([table.slice(0, row), *pieces, table.slice(row + 1)]), bytes(halves[0][0].as_buffer())
