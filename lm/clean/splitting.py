"""Decides which text is held out, from sizes and hashes alone; `docs/adr/0039` says why so.

By document: the position of a text, which follows from its opening, decides, so that added texts move none that was
decided before. Texts that resemble each other are one unit and go together. A text that alone has more than half of
what is to be held out is long: it is cut and its last part is held out. Contiguous: the last part of the whole corpus
is held out, the split of Karpathy's char-rnn. What trained before always trains again.
"""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lm.clean.near_duplicates import Labels
from lm.text.shingles import Hashes, mix

LONG = 0.5  # of the text that is to be held out: a longer text is cut
TOLERANCE = 0.25  # of the same: how far whole texts may miss it before others are chosen
MAX_TAIL = 0.5  # of a text that is cut, where others can give less than their share

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Texts(NamedTuple):
    """The texts of a corpus, the parts of a very long one joined: (texts,) each."""

    bytes: Integers
    characters: Integers
    units: npt.NDArray[np.integer]  # numbers from 0; texts of one unit resemble each other
    positions: Hashes  # the same for all texts of a unit
    trained: Integers  # characters at the beginning that trained before
    was_cut: Mask  # a later part of it was held out before


class Units(NamedTuple):
    """Units of texts: (units,) each."""

    bytes: Integers
    positions: Hashes
    trained: npt.NDArray[np.float64]  # the largest share of one of its texts that trained before

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Gather the units of texts."""
        count = int(texts.units.max()) + 1
        positions, trained = np.zeros(count, np.uint64), np.zeros(count)
        positions[texts.units] = texts.positions
        np.maximum.at(trained, texts.units, texts.trained / np.maximum(texts.characters, 1))
        return cls(np.bincount(texts.units, texts.bytes, count).astype(np.int64), positions, trained)


def unit_positions(identities: Hashes, labels: Labels, seed: int) -> Hashes:
    """Place each document's unit in [0, 2^64): (documents,). Documents with one of `labels` are a unit.

    The smallest identity of the unit decides; it is hashed anew with the seed, since a minimum of many is small by
    itself.
    """
    positions = identities.copy()
    joined = np.flatnonzero(labels != np.arange(len(labels)))
    np.minimum.at(positions, labels[joined], identities[joined])
    positions[joined] = positions[labels[joined]]
    return mix(positions + mix(np.full(1, seed, np.uint64)))


def split_by_document(texts: Texts, heldout_fraction: float, heldout_bytes: int) -> Integers:
    """Return how many characters of each text train: (texts,). Short texts stay whole, long ones are cut.

    Of the text that is to be held out, short and long texts give their shares; where what trained before or resembles
    too much leaves one kind less than its share, the other gives more.
    """
    units, total = Units.of(texts), int(texts.bytes.sum())
    target = min(heldout_fraction * total, heldout_bytes)
    cut_units = np.zeros(len(units.bytes), np.bool_)
    cut_units[texts.units[(texts.bytes > LONG * target) | texts.was_cut]] = True
    cut = np.flatnonzero(cut_units[texts.units])
    cut_bytes = int(texts.bytes[cut].sum())
    room = texts.bytes[cut] * (1 - units.trained[texts.units[cut]])
    long_target = min(heldout_fraction * cut_bytes, heldout_bytes * (cut_bytes / total))
    tails = tail_bytes(texts.bytes[cut], texts.positions[cut], room, heldout_fraction, long_target)

    short = ~cut_units & (units.bytes <= LONG * target)
    missing = _beyond_rounding(long_target - int(tails.sum()), len(cut))
    wanted = min(target - long_target + missing, max(heldout_fraction, 0.5) * int(units.bytes[short].sum()))
    most = min(wanted + TOLERANCE * target, heldout_bytes - int(tails.sum()))
    whole = whole_units(units, short & (units.trained == 0), heldout_fraction, most - LONG * target, most)

    missing = target - long_target - int(units.bytes[whole].sum())
    if missing > TOLERANCE * target:
        tails = tail_bytes(texts.bytes[cut], texts.positions[cut], room, heldout_fraction, long_target + missing)
    heads = _heads(texts, whole)
    heads[cut] -= (tails * (texts.characters[cut] / texts.bytes[cut])).astype(np.int64)
    return np.maximum(heads, texts.trained, out=heads)


def split_whole(texts: Texts, heldout_fraction: float, heldout_bytes: int) -> Integers:
    """Return how many characters of each text train, all or none: (texts,). The share is as near as whole units allow.

    Raises ValueError where there is one unit only.
    """
    units = Units.of(texts)
    if len(units.bytes) < 2:
        raise ValueError("a split needs two units at least")
    target = min(heldout_fraction * int(units.bytes.sum()), heldout_bytes)
    least, most = (1 - TOLERANCE) * target, min((1 + TOLERANCE) * target, heldout_bytes)
    free = units.trained == 0
    whole = whole_units(units, free, heldout_fraction, least, most)
    if not whole.any() and free.any():
        candidates = np.flatnonzero(free)
        misses = np.abs(units.bytes[candidates] - target)
        whole[candidates[np.lexsort((units.positions[candidates], misses))[0]]] = True
    return np.maximum(_heads(texts, whole), texts.trained)


def split_contiguously(texts: Texts, heldout_fraction: float, heldout_bytes: int) -> Integers:
    """Return how many characters of each text train: (texts,). The first part of the corpus trains."""
    share = min(heldout_fraction, heldout_bytes / int(texts.bytes.sum()))
    ends = np.cumsum(texts.characters)
    cut = int((1 - share) * int(ends[-1]))
    heads: Integers = np.clip(cut - (ends - texts.characters), texts.trained, texts.characters)
    return heads


def whole_units(units: Units, free: Mask, heldout_fraction: float, least_bytes: float, most_bytes: float) -> Mask:
    """Choose the units that are held out whole, of those that are `free`: (units,).

    Those in the first `heldout_fraction` of all positions, in order, until the next would exceed `most_bytes`; while
    they have less than `least_bytes`, further ones in order that do not exceed it. Under a fixed `most_bytes` added
    units move others from the held-out side to training only.
    """
    chosen = np.zeros(len(free), np.bool_)
    first = _in_order(units, free & (units.positions < np.uint64(heldout_fraction * 2.0**64)))
    chosen[first[np.cumsum(units.bytes[first]) <= most_bytes]] = True
    heldout = int(units.bytes[chosen].sum())
    for unit in _in_order(units, free & ~chosen) if heldout < least_bytes else ():
        size = int(units.bytes[unit])
        if heldout + size <= most_bytes:
            chosen[unit] = True
            heldout += size
        if heldout >= least_bytes:
            break
    return chosen


def _in_order(units: Units, chosen: Mask) -> Integers:
    """The numbers of the chosen units, by their positions."""
    numbers = np.flatnonzero(chosen)
    return numbers[np.argsort(units.positions[numbers], kind="stable")]


def tail_bytes(
    sizes: Integers, positions: Hashes, room: npt.NDArray[np.float64], heldout_fraction: float, target: float
) -> Integers:
    """Share out `target` bytes among the last parts of texts of these sizes: (texts,).

    room: bytes at the end of each that may be held out. Each text gives `heldout_fraction` of itself, in the order of
    positions until the target is reached; or more, MAX_TAIL of itself at most, where that would not reach it.
    """
    tails = _tails_of(sizes, room, heldout_fraction)
    if _beyond_rounding(target - int(tails.sum()), len(sizes)):
        low, high = heldout_fraction, max(heldout_fraction, MAX_TAIL)
        for _ in range(40):
            middle = (low + high) / 2
            enough = int(_tails_of(sizes, room, middle).sum()) >= target
            low, high = (low, middle) if enough else (middle, high)
        tails = _tails_of(sizes, room, high)
    order = np.lexsort((sizes, positions))
    before = np.cumsum(tails[order]) - tails[order]
    tails[order] = np.clip(int(target) - before, 0, tails[order])
    return tails


def _tails_of(sizes: Integers, room: npt.NDArray[np.float64], fraction: float) -> Integers:
    tails: Integers = np.minimum(fraction * sizes, room).astype(np.int64)
    return tails


def _beyond_rounding(missing: float, rounded: int) -> float:
    """What is missing, if it is more than rounding so many numbers may have taken."""
    return missing if missing > rounded + 1 else 0.0


def _heads(texts: Texts, whole: Mask) -> Integers:
    """The characters of each text that is not in a unit held out whole, 0 of the others: (texts,)."""
    return np.where(whole[texts.units], 0, texts.characters)
