"""The first rows of a parquet file, short enough to look at."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

ROWS = 5
CHARACTERS = 120
ITEMS = 12


class Head(BaseModel, frozen=True):
    """Columns with their types, how many rows there are, and the first of them; long values are cut."""

    rows: int
    columns: dict[str, str]
    first: tuple[dict[str, object], ...]
    problem: str = ""


def parquet_head(path: Path) -> Head:
    """Read the head of a parquet file; of one that cannot be read, why."""
    import pyarrow as pa  # deferred: it weighs 100 MiB
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            batch = next(file.iter_batches(batch_size=ROWS), None)
            return Head(
                rows=file.metadata.num_rows,
                columns={field.name: str(field.type) for field in file.schema_arrow},
                first=tuple({name: _cut(value) for name, value in row.items()} for row in batch.to_pylist())
                if batch
                else (),
            )
    except (pa.ArrowException, OSError) as error:
        return Head(rows=0, columns={}, first=(), problem=f"cannot be read: {str(error).splitlines()[0]}")


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= CHARACTERS else f"{value[:CHARACTERS]}…"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, list) and len(value) > ITEMS:
        return [*value[:ITEMS], "…"]
    return value
