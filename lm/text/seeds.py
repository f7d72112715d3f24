"""Short stretches of bytes, the seeds, looked up among those of other texts: texts that share one may share more."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lm.text.byte_keys import Keys, combine, slots

PAIRS_AT_ONCE = 1 << 18

Rows = npt.NDArray[np.int64]


class SeedTable:
    """Keys of seeds in order, with their places, and a filter that most other keys fail."""

    def __init__(self, keys: Keys, places: Rows, filter_bits: int, filtered: Keys | None = None) -> None:
        """keys, places: (seeds,); filtered: what the filter knows the seeds by, where that is not their keys."""
        order = np.argsort(keys, kind="stable")
        self._keys, self._places, self._bits = keys[order], places[order], filter_bits
        self._filter = np.zeros(1 << filter_bits, np.bool_)
        self._filter[slots(keys if filtered is None else filtered, filter_bits)] = True

    def likely(self, keys: Keys) -> Rows:
        """Where in `keys` those are that may be known."""
        return np.flatnonzero(self._filter[slots(keys, self._bits)])

    def pairs(self, keys: Keys, here: Rows) -> Iterator[tuple[Rows, Rows]]:
        """Every place `here`, (keys,), with every place in the table that has the same key, some of them at a time."""
        first = np.searchsorted(self._keys, keys, "left")
        pairs = np.cumsum(np.searchsorted(self._keys, keys, "right") - first)
        begin = 0
        while begin < len(keys):
            done = pairs[begin - 1] if begin else 0
            end = max(int(np.searchsorted(pairs, done + PAIRS_AT_ONCE, "right")), begin + 1)
            counts = np.diff(pairs[begin:end], prepend=done)
            rows = np.repeat(first[begin:end] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            yield np.repeat(here[begin:end], counts), self._places[rows]
            begin = end


def seeds_of(data: Any, seed_bytes: int) -> Keys:
    """The key of the `seed_bytes` (a multiple of 8) from every place of a buffer: equal bytes have equal keys."""
    eights: Keys = np.ndarray((max(len(data) - 7, 0),), np.dtype("<u8"), data, strides=(1,))  # a view
    length = max(len(data) - seed_bytes + 1, 0)
    return combine([eights[offset : offset + length] for offset in range(0, seed_bytes, 8)])
