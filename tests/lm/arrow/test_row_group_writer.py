"""Writing row groups on another thread changes nothing of the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lm.arrow.arrays import string_array
from lm.arrow.row_group_writer import RowGroupWriter

SCHEMA = pa.schema([("text", pa.string())])


def _table(text: str) -> pa.Table:
    return pa.Table.from_arrays([string_array([text])], schema=SCHEMA)


def test_the_file_is_what_arrow_writes(tmp_path: Path) -> None:
    """The same bytes as from a ParquetWriter, footer and all."""
    ours = RowGroupWriter(tmp_path / "ours", SCHEMA, compression="zstd")
    with pq.ParquetWriter(tmp_path / "arrow", SCHEMA, compression="zstd") as arrow:
        for text in ("one", "two"):
            ours.write(_table(text))
            arrow.write_table(_table(text))
        arrow.add_key_value_metadata({"key": "value"})
    ours.close({"key": "value"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "arrow").read_bytes()


def test_errors_reach_the_caller(tmp_path: Path) -> None:
    """What goes wrong on the writer's thread is raised where the row group was given."""
    writer = RowGroupWriter(tmp_path / "file", SCHEMA)
    with pytest.raises(ValueError, match="schema"):
        writer.write(_table("one").rename_columns(["other"]))
    writer.close()
