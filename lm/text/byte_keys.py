"""Numbers for rows of 8-byte words: equal rows have equal numbers, unequal ones hardly ever (Fibonacci hashing)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio; odd, so multiplying loses nothing

Keys = npt.NDArray[np.uint64]


def combine(words: Sequence[Keys]) -> Keys:
    """One number for each row, given column by column: the shape of a column. Exact for a single column."""
    keys = words[0]
    for word in words[1:]:
        keys = keys * FACTOR + word
    return keys


def slots(keys: Keys, bits: int) -> npt.NDArray[np.int64]:
    """The place of each number in a table of 2^bits places."""
    places = keys * FACTOR
    places >>= np.uint64(64 - bits)
    return places.view(np.int64)
