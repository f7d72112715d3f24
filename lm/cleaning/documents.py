"""Clean text on disk: one row a document (or the piece of one on either side of a contiguous split).

A row group holds documents of one split only and a few megabytes of text, so a reader of one split never decodes the
other, and neither reader nor writer needs more memory than the longest document.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow_arrays import string_array
from lm.downloading.licences import NOT_STATED, LicenceCounts
from lm.errors import SlowburnError

SCHEMA_VERSION = 2  # 1 had no licences
FILE_NAME = "documents.parquet"
ROW_GROUP_BYTES = 4 * 2**20  # of text; a longer document has a row group of its own
LICENCE = "licence"
COUNTS = ("documents", "bytes", "characters")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("document_id", "source", "text", "split", "title", "licence")],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, Split] = ("train", "heldout")


@dataclass(frozen=True, slots=True)
class Document:
    """One clean document. The two pieces of a document that was cut share a `document_id`."""

    document_id: str
    source: str
    text: str
    split: Split
    title: str = ""
    licence: str = NOT_STATED


class DocumentWriter:
    """Write `documents.parquet`: equal documents in equal order give equal bytes."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            use_dictionary=["source", "split", "licence"],
            write_statistics=["split"],
            write_page_checksum=True,
        )
        self._waiting: dict[Split, list[Document]] = {split: [] for split in SPLITS}
        self._bytes: dict[Split, int] = dict.fromkeys(SPLITS, 0)

    def write(self, document: Document, text_bytes: int) -> None:
        """Add a document whose text has `text_bytes` bytes in UTF-8."""
        if self._bytes[document.split] + text_bytes > ROW_GROUP_BYTES:
            self._flush(document.split)
        self._waiting[document.split].append(document)
        self._bytes[document.split] += text_bytes

    def _flush(self, split: Split) -> None:
        if documents := self._waiting[split]:
            columns = [[getattr(document, name) for document in documents] for name in SCHEMA.names]
            self._writer.write_table(pa.Table.from_arrays([string_array(c) for c in columns], schema=SCHEMA))
            self._waiting[split], self._bytes[split] = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            for split in SPLITS:
                self._flush(split)
        self._writer.close()


def write_documents(documents: Iterable[Document], out: Path) -> dict[str, Any]:
    """Write `documents.parquet` into a folder; return `train_documents`, `heldout_bytes` and so on: what is in it.

    `sources` gives the same counts for each corpus: the part of a source's name before its first slash; `licences` the
    bytes of each licence in it.
    """
    sides = {split: dict.fromkeys(COUNTS, 0) for split in SPLITS}
    sources: dict[str, dict[str, int]] = {}
    licences, longest_bytes = LicenceCounts(), 0
    with DocumentWriter(out / FILE_NAME) as writer:
        for document in documents:
            text_bytes = len(document.text.encode())
            longest_bytes = max(longest_bytes, text_bytes)
            writer.write(document, text_bytes)
            corpus = document.source.partition("/")[0]
            source = sources.setdefault(corpus, dict.fromkeys(COUNTS, 0))
            licences.add(corpus, document.licence, text_bytes)
            for count, amount in zip(COUNTS, (1, text_bytes, len(document.text)), strict=True):
                sides[document.split][count] += amount
                source[count] += amount
    flat = {f"{split}_{count}": amount for split, counts in sides.items() for count, amount in counts.items()}
    return {**flat, "longest_document_bytes": longest_bytes, "sources": sources, "licences": licences.bytes}


def read_documents(clean: Path, split: Split | None = None) -> Iterator[Document]:
    """Stream the documents of a clean artifact's folder, of one split or of both, in the order they were written.

    Raises SlowburnError when the file is damaged (page checksums are verified) or of a newer schema.
    """
    for table in row_groups(clean, split):
        yield from map(Document, *table.to_pydict().values())


def count_sources(clean: Path) -> Counter[str]:
    """How many documents, or pieces of one, there are of each source. Raises as `read_documents`."""
    counts = Counter[str]()
    for table in row_groups(clean, columns=("source",)):
        counts.update(table.column("source").to_pylist())
    return counts


def row_groups(
    clean: Path,
    split: Split | None = None,
    columns: Sequence[str] = tuple(SCHEMA.names),
) -> Iterator[pa.Table]:
    """The same documents as tables of these columns, a row group at a time. Raises as `read_documents`."""
    with _opened(clean) as file:
        for group in range(file.num_row_groups):
            if split in (None, _split_of(file, group)):
                yield _with_licence(file.read_row_group(group, columns=list(columns), use_threads=False), columns)


def _with_licence(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """These columns, in order; a licence that the schema did not have yet is one that nobody stated."""
    if LICENCE in columns and LICENCE not in table.column_names:
        table = table.append_column(LICENCE, string_array([NOT_STATED] * table.num_rows))
    return table.select(columns)


@contextmanager
def _opened(clean: Path) -> Iterator[pq.ParquetFile]:
    """The file of a clean artifact's folder; what is wrong with it becomes a SlowburnError."""
    path = clean / FILE_NAME
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_schema(path, file.schema_arrow)
            yield file
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SlowburnError(f"{path} is damaged ({error}): delete {clean} and run again to have it remade") from error


def _check_schema(path: Path, schema: pa.Schema) -> None:
    """Raise SlowburnError when a file of documents is of a newer schema, or lacks a column."""
    version = int((schema.metadata or {}).get(b"schema_version", b"0"))
    if version > SCHEMA_VERSION:
        raise SlowburnError(
            f"{path} has schema version {version}, this Slowburn knows up to {SCHEMA_VERSION}: update Slowburn"
        )
    found = {field.name: field.type for field in schema}
    expected = [name for name in SCHEMA.names if version > 1 or name != LICENCE]
    if wrong := [name for name in expected if found.get(name) != SCHEMA.field(name).type]:
        raise SlowburnError(f"{path} is damaged (no {', '.join(wrong)}): delete {path.parent} and run again")


def _split_of(file: pq.ParquetFile, group: int) -> str:
    """The split of a row group."""
    column = SCHEMA.names.index("split")
    statistics = file.metadata.row_group(group).column(column).statistics
    if statistics is None or statistics.min != statistics.max or statistics.min not in SPLITS:
        raise pa.ArrowInvalid(f"row group {group} is of no split")
    return str(statistics.min)
