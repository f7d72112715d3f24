"""Which text is held out.

By document: each document's own hash decides, so that adding documents moves none that was decided before. Documents
that resemble each other are one unit: the smallest hash among them decides for all. By source: the hash of the source's
name decides for its documents. Contiguous: the first part of the corpus trains and the rest is held out, the split of
Karpathy's char-rnn. Of a large corpus only as much is held out as tells models apart: the rest of that share trains.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lm.clean.near_duplicates import Labels
from lm.text.shingles import Hashes, mix


def unit_positions(hashes: Hashes, labels: Labels, seed: int) -> Hashes:
    """Where each document's unit stands in [0, 2^64): (documents,). Documents with one of `labels` are a unit.

    The smallest hash of the unit decides; it is hashed anew with the seed, since a minimum of many is small by itself.
    """
    positions = hashes.copy()
    joined = np.flatnonzero(labels != np.arange(len(labels)))
    np.minimum.at(positions, labels[joined], hashes[joined])
    positions[joined] = positions[labels[joined]]
    return mix(positions + mix(np.full(1, seed, np.uint64)))


def heldout_units(positions: Hashes, heldout_fraction: float) -> npt.NDArray[np.bool_]:
    """Mark the documents that are held out: those whose position is in the first `heldout_fraction`: (documents,).

    The unit with the smallest position is always held out and the one with the largest always trains, whatever the
    fraction, so that neither side is empty. Raises ValueError where there is one unit only.
    """
    smallest, largest = positions.min(), positions.max()
    if smallest == largest:
        raise ValueError("a split needs two units at least")
    heldout: npt.NDArray[np.bool_] = positions < np.uint64(heldout_fraction * 2.0**64)
    heldout[positions == smallest] = True
    heldout[positions == largest] = False
    return heldout


def first_units_within(
    heldout: npt.NDArray[np.bool_], positions: Hashes, sizes: npt.NDArray[np.integer], most_bytes: int
) -> npt.NDArray[np.bool_]:
    """Of the held-out documents those of the first units that have `most_bytes` together; the rest trains.

    sizes: bytes of each document; all arrays (documents,). Units that are larger by themselves are passed over, unless
    there are no others: then the first is held out whole. Documents that are added move others from the held-out side
    to training only, so that what is held out now no earlier model was trained on.
    """
    units, unit_of = np.unique(positions, return_inverse=True)
    unit_bytes = np.bincount(unit_of, weights=sizes, minlength=len(units)).astype(np.int64)
    chosen = np.zeros(len(units), np.bool_)
    chosen[unit_of[heldout]] = True
    first = int(np.argmax(chosen))
    chosen &= unit_bytes <= most_bytes
    chosen &= np.cumsum(np.where(chosen, unit_bytes, 0)) <= most_bytes
    if not chosen.any():
        chosen[first] = True
    return chosen[unit_of]


def place_of_cut(characters: Sequence[int], training_characters: int) -> tuple[int, int]:
    """Where a contiguous split cuts texts of so many characters, if the first `training_characters` of all train.

    Returns the index of the first text that does not train as a whole and how many of its characters train.
    """
    left = training_characters
    for index, count in enumerate(characters):
        if count > left:
            return index, left
        left -= count
    return len(characters), 0
