"""Arrow arrays made by hand: `pyarrow.array` imports pandas, 54 MiB, to see whether it was given something of it."""

from collections.abc import Sequence

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
