"""What was not kept, and why: one row a document or file, with the beginning of its text."""

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow.arrays import integer_array, string_array
from lm.clean.config import FILTERS
from lm.text.plain_text import visible

SCHEMA_VERSION = 1
FILE_NAME = "rejects.parquet"
OPENING_CHARACTERS = 300
SAMPLES = 3  # of each reason, for the report
ROWS = 2_000
SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("title", pa.string()),
        ("reason", pa.string()),  # name of the filter, or what is wrong with the file
        ("value", pa.string()),  # what the filter measured
        ("bytes", pa.int64()),  # of the text
        ("opening", pa.string()),  # how the text begins
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)


class RejectWriter:
    """Writes `rejects.parquet`, and counts."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True)
        self._rows: list[tuple[Any, ...]] = []
        self.counts: Counter[str] = Counter()
        self.samples: dict[str, list[dict[str, str]]] = {}

    def write(self, source: str, title: str, reason: str, value: str = "", text: str = "", text_bytes: int = 0) -> None:
        """Add a document or a file that is not kept."""
        opening = text[:OPENING_CHARACTERS]
        self._rows.append((source, title, reason, value, text_bytes, opening))
        self.counts[reason] += 1
        if len(samples := self.samples.setdefault(reason, [])) < SAMPLES:
            samples.append({"source": source, "title": title, "value": value, "opening": opening[:120]})
        if len(self._rows) == ROWS:
            self._flush()

    def told_filtered(self) -> list[str]:
        """Say of each quality filter how much it dropped, by which measure, and what lets it in."""
        told = []
        for reason, setting in FILTERS.items():
            if count := self.counts[reason]:
                sample = self.samples[reason][0]
                opening = " ".join(visible(sample["opening"]).split())[:60]
                told.append(
                    f"{count:,} documents were dropped ({reason}: {sample['value']} in “{opening}”): see "
                    f"rejects.parquet; --set {setting} keeps them"
                )
        return told

    def advice(self) -> str:
        """Say what to do where nothing is left: the settings of the filters that dropped it, else more text."""
        settings = [setting for reason, setting in FILTERS.items() if self.counts[reason]]
        return f"keep it with --set {' '.join(settings)}" if settings else "give it some"

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [() for _ in SCHEMA]
        arrays = [
            string_array(column) if field.type == pa.string() else integer_array(column)
            for column, field in zip(columns, SCHEMA, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self._rows = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
