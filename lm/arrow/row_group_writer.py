"""Writes Parquet files of many row groups, each of megabytes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


class RowGroupWriter:
    """A `ParquetWriter` that works on a thread of its own, while the one that calls waits for it.

    Arrow keeps a few kilobytes of every row group until the file ends. glibc has another heap for another thread; in
    the caller's they would lie between the blocks of megabytes that come and go there, and fewer and fewer would fit
    where others were.
    """

    def __init__(self, path: Path, schema: pa.Schema, **options: Any) -> None:
        self._writer = pq.ParquetWriter(path, schema, **options)
        self._thread = ThreadPoolExecutor(1)

    def write(self, table: pa.Table) -> None:
        """Add a table as a row group."""
        self._thread.submit(self._writer.write_table, table).result()

    def close(self, metadata: dict[str, str] | None = None) -> None:
        """End the file, with this in its footer; what was interrupted is written to its end before."""
        self._thread.shutdown()
        if metadata:
            self._writer.add_key_value_metadata(metadata)
        self._writer.close()
