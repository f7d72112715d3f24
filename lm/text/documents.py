"""Clean text on disk: one row a document (or the piece of one on either side of the split, where it is cut).

A row group holds documents of one split only and a few megabytes of text (`document_writer.py`), so a reader of one
split never decodes the other, and neither reader nor writer needs more memory than the longest document.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow.arrays import string_array
from lm.errors import SlowburnError, TooNew
from lm.store.files import check_readable
from lm.text.licences import NOT_STATED
from lm.text.splits import SPLITS, Split

SCHEMA_VERSION = 2  # 1 had no licences
FILE_NAME = "documents.parquet"
LICENCE = "licence"
SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),  # hash; the two pieces of a document that was cut share it
        ("source", pa.string()),  # name of the file or address that it is from
        ("text", pa.string()),
        ("split", pa.string()),  # train or heldout
        ("title", pa.string()),
        ("licence", pa.string()),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)


@dataclass(frozen=True, slots=True)
class Document:
    """One clean document. The two pieces of a document that was cut share a `document_id`."""

    document_id: str
    source: str
    text: str
    split: Split
    title: str = ""
    licence: str = NOT_STATED


def read_documents(clean: Path, split: Split | None = None) -> Iterator[Document]:
    """Stream the documents of a clean artifact's folder, of one split or of both, in the order they were written.

    Raises SlowburnError when the file is damaged (page checksums are verified) or of a newer schema.
    """
    for table in row_groups(clean, split):
        yield from map(Document, *table.to_pydict().values())


def read_texts(clean: Path, split: Split) -> Iterator[bytes]:
    """Stream the texts alone, in UTF-8. Raises as `read_documents`."""
    for table in row_groups(clean, split, ("text",)):
        texts = table["text"].cast(pa.binary())
        del table  # a text may be large, and is held by one of both from here on
        for text in texts:
            yield text.as_py()


def spread_texts(clean: Path, split: Split, groups: int) -> Iterator[str]:
    """Stream the texts of so many row groups of a split, evenly spread. Raises as `read_documents`."""
    with _opened(clean) as file:
        places = [group for group in range(file.num_row_groups) if _split_of(file, group) == split]
        for place in places[:: -(-len(places) // groups) or 1]:
            table = file.read_row_group(place, columns=["text"], use_threads=False)
            yield from (text.as_py() for text in table["text"])


def count_sources(clean: Path) -> Counter[str]:
    """How many documents there are of each source; one that was cut is one. Raises as `read_documents`."""
    counts, heldout = Counter[str](), set[str]()
    for table in row_groups(clean, "heldout", ("document_id", "source")):
        counts.update(table["source"].to_pylist())
        heldout.update(table["document_id"].to_pylist())
    for table in row_groups(clean, "train", ("document_id", "source")):
        rows = zip(table["document_id"].to_pylist(), table["source"].to_pylist(), strict=True)
        counts.update(source for document_id, source in rows if document_id not in heldout)
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
    check_readable(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_schema(path, file.schema_arrow)
            yield file
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SlowburnError(f"{path} is damaged ({error}): delete {clean} and run again to make it again") from error


def _check_schema(path: Path, schema: pa.Schema) -> None:
    """Raise SlowburnError when a file of documents is of a newer schema, or lacks a column."""
    version = int((schema.metadata or {}).get(b"schema_version", b"0"))
    if version > SCHEMA_VERSION:
        raise TooNew(
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
