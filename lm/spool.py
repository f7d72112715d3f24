"""Clean documents on disk between two passes: the first looks at each of them, the second knows them all."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from lm.arrow_strings import string_array


class CleanDocument(NamedTuple):
    """A document ready to be put on one side of the split; `document_id` is the hash of its text."""

    document_id: str
    source: str
    title: str
    text: str
    licence: str


SCHEMA = pa.schema([(name, pa.string()) for name in CleanDocument._fields])
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    """A file of documents, written once and read any number of times, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pa.ipc.new_stream(path, SCHEMA, options=OPTIONS)

    def write(self, documents: Sequence[CleanDocument]) -> None:
        """Add documents."""
        if documents:
            columns = [string_array(column) for column in zip(*documents, strict=True)]
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))

    def close(self) -> None:
        """Finish writing."""
        self._writer.close()

    def __iter__(self) -> Iterator[CleanDocument]:
        with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as batches:
            for batch in batches:
                yield from map(CleanDocument, *batch.to_pydict().values())
