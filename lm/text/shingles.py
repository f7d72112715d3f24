"""Hashes of words and of runs of words: what near-duplicates, overlaps and repetitions are found by.

A word is a run of letters and digits, in lower case where it is ASCII; a character of Chinese or Japanese is a word by
itself. Punctuation and space do not count, so a text that was only set anew is the same text. All in numpy, a block at
a time: about 100 MB/s a core.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.text.byte_keys import FACTOR

Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]

BLOCK_BYTES = 1 << 16
_POWERS = np.cumprod(np.full(BLOCK_BYTES + 1, FACTOR, np.uint64)) * np.uint64(0xD1B54A32D192ED03)
_MIX_FACTORS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
MIXED_AT_ONCE = 1 << 14
_SPACES = b" \n\t\r\f\v"
# Of each byte: ASCII in lower case, 0 for what stands between words.
_FOLDED = bytes(byte if byte >= 0x80 else ord(chr(byte).lower()) * chr(byte).isalnum() for byte in range(256))


class Hashed(NamedTuple):
    """Hashes of all texts, one after the other; those of text `i` are `hashes[offsets[i]:offsets[i + 1]]`."""

    hashes: Hashes
    offsets: Offsets

    @property
    def counts(self) -> Offsets:
        """How many there are of each text."""
        return np.diff(self.offsets)

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Hashed":
        """Those of the chosen texts alone; `chosen` is (texts,)."""
        if chosen.all():
            return self
        counts = self.counts
        return Hashed(self.hashes[np.repeat(chosen, counts)], np.concatenate([[0], np.cumsum(counts[chosen])]))


def hash_words(texts: Sequence[bytes]) -> Hashed:
    """Hash the words of texts in UTF-8."""
    counts = np.zeros(len(texts), np.int64)
    found = [np.empty(0, np.uint64)]
    for pieces, owners in _blocks(texts):
        hashes, starts = _hash_block(b"\n".join(pieces))
        ends = np.cumsum([len(piece) + 1 for piece in pieces])
        words = np.diff(np.searchsorted(starts, ends), prepend=0)
        np.add.at(counts, owners, words)
        found.append(hashes)
    return Hashed(np.concatenate(found), np.concatenate([[0], np.cumsum(counts)]))


def runs(words: Hashed, length: int) -> Hashed:
    """Hash every run of `length` words within a text."""
    total = len(words.hashes) - length + 1
    if total <= 0:
        return Hashed(np.empty(0, np.uint64), np.zeros(len(words.offsets), np.int64))
    hashes = _sums(words.hashes, length)
    ends = words.offsets[1:-1]
    across = (ends[:, None] - np.arange(1, length)).ravel()  # these runs begin in one text and end in another
    across = across[(across >= 0) & (across < total)]
    if len(across):
        inside = np.ones(total, np.bool_)
        inside[across] = False
        hashes = hashes[inside]
    counts = np.maximum(words.counts - length + 1, 0)
    return Hashed(mix(hashes), np.concatenate([[0], np.cumsum(counts)]))


def _sums(hashes: Hashes, length: int) -> Hashes:
    """Of every `length` hashes in a row, two or more, each times a power of FACTOR, one less from each to the next.

    Twice as long sums are made of two that follow one another, as in raising to a power.
    """
    sums, done = hashes, 1
    for bit in f"{length:b}"[1:]:
        sums = _joined(sums, sums, done, done)
        done *= 2
        if bit == "1":
            sums = _joined(sums, hashes, done, 1)
            done += 1
    return sums


def _joined(first: Hashes, then: Hashes, first_length: int, then_length: int) -> Hashes:
    count = len(then) - first_length
    joined: Hashes = first[:count] * np.uint64(pow(int(FACTOR), then_length, 1 << 64))
    joined += then[first_length:]
    return joined


def mix(hashes: Hashes) -> Hashes:
    """Spread the information of a hash over all of its bits, in place (the finaliser of MurmurHash3)."""
    for start in range(0, len(hashes), MIXED_AT_ONCE):
        part = hashes[start : start + MIXED_AT_ONCE]
        for factor in _MIX_FACTORS:
            part ^= part >> np.uint64(33)
            part *= factor
        part ^= part >> np.uint64(33)
    return hashes


def _blocks(texts: Sequence[bytes]) -> Iterator[tuple[list[bytes], list[int]]]:
    """Texts in blocks of BLOCK_BYTES at most, newlines between them included; longer ones are cut between words."""
    pieces, owners, size = list[bytes](), list[int](), 0
    for owner, text in enumerate(texts):
        for piece in _pieces(text):
            if pieces and size + len(piece) + 1 > BLOCK_BYTES:
                yield pieces, owners
                pieces, owners, size = [], [], 0
            pieces.append(piece)
            owners.append(owner)
            size += len(piece) + 1
    if pieces:
        yield pieces, owners


def _pieces(text: bytes) -> Iterator[bytes]:
    position = 0
    while len(text) - position >= BLOCK_BYTES:
        end = position + BLOCK_BYTES - 1
        cut = max(text.rfind(bytes([space]), end - 4096, end) for space in _SPACES[:2])
        end = cut if cut > position else end
        yield text[position:end]
        position = end
    yield text[position:]


def _hash_block(block: bytes) -> tuple[Hashes, Offsets]:
    """The hash of each word of a block, and where it begins."""
    folded = np.frombuffer(block.translate(_FOLDED), np.uint8)  # three times as fast as an index into a table
    alone = None
    if not block.isascii():
        data, folded = np.frombuffer(block, np.uint8), folded.copy()
        punctuation = np.flatnonzero((data[:-2] == 0xE2) & (data[1:-1] == 0x80))  # quotes, dashes, narrow spaces
        for offset in range(3):
            folded[punctuation + offset] = 0
        alone = (data >= 0xE3) & (data <= 0xE9)  # U+3000 to U+9FFF
    word = folded != 0
    starts = word.copy()
    starts[1:] &= ~word[:-1] if alone is None else (~word[:-1] | alone[1:])
    first = np.flatnonzero(starts)
    terms = folded * _POWERS[: len(folded)]  # 0 between words
    sums = np.cumsum(terms)
    return mix(np.diff(sums[first] - terms[first], append=sums[-1:]) * _POWERS[BLOCK_BYTES - first]), first
