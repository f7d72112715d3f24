"""The byte n-gram that a language model must beat to count: Witten-Bell smoothing, in numpy.

Witten and Bell (1991), in the interpolated form of Chen and Goodman (1999, section 2.5): with c(h, w) the count of
byte w after the context h, c(h) their sum and t(h) the number of different bytes seen after h,

    P(w | h) = (c(h, w) + t(h) P(w | h')) / (c(h) + t(h))

where h' is h without its first byte, and a context never seen leaves the shorter one's answer. Below the unigram
stands the uniform distribution over the 256 bytes, so no text is impossible.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

SYMBOL_BITS = 9  # 256 bytes, and 0 for what stands before a text's first byte
SYMBOL_MASK = np.uint64((1 << SYMBOL_BITS) - 1)
MAX_ORDER = 64 // SYMBOL_BITS
BLOCK_BYTES = 2 << 20  # counted at a time
PIECE_BYTES = 64 << 10  # judged at a time

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


class NGram:
    """Counts of all byte n-grams up to `order`, as sorted arrays."""

    def __init__(self, order: int = 5) -> None:
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"order {order} is outside 1 to {MAX_ORDER}")
        self.order = order
        self._grams: list[tuple[UInt64s, Int64s]] = []  # of each order: sorted n-grams, counts
        self._contexts: list[tuple[UInt64s, Int64s, Int64s]] = []  # sorted contexts, counts, different followers

    @classmethod
    def fit(cls, texts: Iterable[bytes], order: int = 5) -> "NGram":
        """Count the n-grams of texts, each of which begins afresh.

        Memory is bounded by the number of different n-grams and by blocks of 2 MiB of text, not by the text's size.
        """
        model = cls(order)
        grams, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
        for symbols in _blocks(texts, order):
            block, block_counts = _tally(_windows(symbols, order))
            grams, counts = _tally(np.concatenate([grams, block]), np.concatenate([counts, block_counts]))
        for length in range(1, order + 1):
            prefixes = grams >> np.uint64(SYMBOL_BITS * (order - length))  # still sorted
            ends_in_text = (prefixes & SYMBOL_MASK) != 0
            ngrams, ngram_counts = _runs(prefixes[ends_in_text], counts[ends_in_text])
            contexts = ngrams >> np.uint64(SYMBOL_BITS)
            different, followers = _runs(contexts, np.ones_like(ngram_counts))
            model._grams.append((ngrams, ngram_counts))
            model._contexts.append((different, _runs(contexts, ngram_counts)[1], followers))
        return model

    def nats(self, text: bytes) -> Float32s:
        """-ln p of every byte of a text that begins afresh, by every order from the unigram up: (order, bytes)."""
        result = np.empty((self.order, len(text)), np.float32)
        symbols = np.concatenate([np.zeros(self.order - 1, np.uint16), _symbols(text)])
        for start in range(0, len(text), PIECE_BYTES):
            windows = _windows(symbols[start : start + PIECE_BYTES + self.order - 1], self.order)
            result[:, start : start + PIECE_BYTES] = -np.log(self._probabilities(windows))
        return result

    def _probabilities(self, windows: UInt64s) -> Float64s:
        """Of the last symbol of each window, by every order: (order, windows)."""
        result = np.empty((self.order, len(windows)))
        shorter = np.full(len(windows), 1 / 256)
        for length in range(1, self.order + 1):
            ngrams = windows & np.uint64((1 << (SYMBOL_BITS * length)) - 1)
            gram_keys, gram_counts = self._grams[length - 1]
            context_keys, context_counts, followers = self._contexts[length - 1]
            row = _find(context_keys, ngrams >> np.uint64(SYMBOL_BITS))
            seen, different = _take(context_counts, row), _take(followers, row)
            count = _take(gram_counts, _find(gram_keys, ngrams))
            known = seen > 0
            shorter = np.where(known, (count + different * shorter) / np.where(known, seen + different, 1), shorter)
            result[length - 1] = shorter
        return result


def _symbols(text: bytes) -> npt.NDArray[np.uint16]:
    return np.frombuffer(text, np.uint8).astype(np.uint16) + np.uint16(1)


def _blocks(texts: Iterable[bytes], order: int) -> Iterator[npt.NDArray[np.uint16]]:
    """Join texts into blocks of symbols, with `order - 1` zeros before each text and after the last."""
    gap = np.zeros(order - 1, np.uint16)
    parts: list[npt.NDArray[np.uint16]] = []
    size = 0
    for text in texts:
        parts += [gap, _symbols(text)]
        size += len(text)
        if size >= BLOCK_BYTES:
            yield np.concatenate([*parts, gap])
            parts, size = [], 0
    if parts:
        yield np.concatenate([*parts, gap])


def _windows(symbols: npt.NDArray[np.uint16], order: int) -> UInt64s:
    """Every run of `order` symbols as one number, the first symbol in the highest bits."""
    length = max(len(symbols) - order + 1, 0)
    windows = np.zeros(length, np.uint64)
    for place in range(order):
        windows <<= np.uint64(SYMBOL_BITS)
        windows |= symbols[place : place + length]
    return windows


def _tally(keys: UInt64s, counts: Int64s | None = None) -> tuple[UInt64s, Int64s]:
    """Sort keys and add up their counts (1 each by default)."""
    if counts is None:
        keys.sort()
        return _runs(keys, np.ones(len(keys), np.int64))
    order = np.argsort(keys, kind="stable")
    return _runs(keys[order], counts[order])


def _runs(keys: UInt64s, counts: Int64s) -> tuple[UInt64s, Int64s]:
    """Join equal neighbours of a sorted array and add up their counts."""
    if not len(keys):
        return keys, counts
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


def _find(keys: UInt64s, wanted: UInt64s) -> Int64s:
    """Row of each wanted key in a sorted array, -1 where it is missing."""
    if not len(keys):
        return np.full(len(wanted), -1)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)


def _take(values: Int64s, rows: Int64s) -> Int64s:
    """Values at rows, 0 where the row is -1."""
    return np.where(rows >= 0, values[rows], 0) if len(values) else np.zeros(len(rows), np.int64)
