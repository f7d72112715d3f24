"""Clean text as bytes, a row group at a time, without a Python string for any document: for whoever reads all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lm.text.documents import Document, row_groups
from lm.text.splits import Split


@dataclass(frozen=True)
class TextBlock:
    """The UTF-8 of some documents, one after the other: document i is `data[ends[i] : ends[i + 1]]`."""

    data: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    facts: pa.Table  # a row for each document: all but its text

    def document(self, index: int) -> Document:
        """One of the documents, without its text."""
        (facts,) = self.facts.slice(index, 1).to_pylist()
        return Document(text="", **facts)


def text_blocks(clean: Path, split: Split) -> Iterator[TextBlock]:
    """Yield the texts of one split of a clean artifact's folder, in order; in memory is a row group at a time.

    Raises SlowburnError when the file is damaged (page checksums are verified) or of a newer schema.
    """
    for table in row_groups(clean, split):
        yield from _blocks(table)


def _blocks(table: pa.Table) -> Iterator[TextBlock]:
    facts, first = table.drop_columns(["text"]), 0
    for chunk in table.column("text").chunks:
        _, offsets, data = chunk.buffers()
        ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
        content = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
        yield TextBlock(content[ends[0] : ends[-1]], ends - ends[0], facts.slice(first, len(chunk)))
        first += len(chunk)
