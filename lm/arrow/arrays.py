"""Arrow arrays made by hand: `pyarrow.array` imports pandas, 54 MiB, to see whether it was given something of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def string_array(values: Sequence[str]) -> pa.StringArray:
    """An array of these strings, which hold 2 GiB of UTF-8 at most together."""
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def integer_array(values: Sequence[int]) -> pa.Int64Array:
    """An array of these numbers."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.array(values, np.int64))])


def float_array(values: Sequence[float | None]) -> pa.DoubleArray:
    """An array of these numbers; None becomes null."""
    known = np.packbits(np.array([value is not None for value in values], np.bool_), bitorder="little")
    return pa.Array.from_buffers(
        pa.float64(), len(values), [pa.py_buffer(known), pa.py_buffer(np.array(values, np.float64))]
    )


MAKERS: dict[pa.DataType, Callable[[Sequence[Any]], pa.Array]] = {
    pa.string(): string_array,
    pa.int64(): integer_array,
    pa.float64(): float_array,
}


def table_of(columns: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """A table of these columns, of strings, whole numbers (int64) or others (float64), in the order of the schema."""
    arrays = [MAKERS[kind](values) for kind, values in zip(schema.types, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def take_rows(table: pa.Table, rows: Sequence[int]) -> pa.Table:
    """These rows of a table, in ascending order: a copy, which does not keep the rest in memory, unless all are."""
    return table if len(rows) == len(table) else table.take(integer_array(rows))
