"""Near-duplicate documents, found by MinHash and locality-sensitive hashing, in bounded memory.

Documents are compared as sets of runs of five words. Rensa computes the signatures: 128 values, R-MinHash after
Dahlgaard et al., "Fast Similarity Sketching" (2017). With 16 bands of 8 values two documents of Jaccard similarity 0.8
meet with probability 0.95, of 0.5 with 0.06 (Leskovec et al., "Mining of Massive Datasets", 3.4); FineWeb's pipeline
works alike. The bands lie in files, so that memory grows by a few bytes a document alone.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from rensa import RMinHash  # type: ignore[import-untyped]  # ships no types

from lm.text.byte_keys import combine
from lm.text.shingles import Hashed, Hashes, mix

RUN_WORDS = 5
BANDS, BAND_VALUES = 16, 8
SEED = 1
SLICES_BITS = 4  # the keys of a band are sorted a sixteenth at a time

Labels = npt.NDArray[np.uint32]


class Sketches:
    """The band keys of documents, in one file a band."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / f"band-{band}" for band in range(BANDS)]
        self._files: list[BinaryIO] = [path.open("wb") for path in self._paths]
        self.documents = 0

    def add(self, keys: Hashes) -> None:
        """Add documents by their `band_keys`."""
        for band, file in enumerate(self._files):
            file.write(np.ascontiguousarray(keys[:, band]).data)
        self.documents += len(keys)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def clusters(self, keep: npt.NDArray[np.bool_]) -> Labels:
        """Label each document with the number of the first of its cluster: (documents,).

        Those that are not to `keep` stand alone.
        """
        self.close()
        labels = np.arange(self.documents, dtype=np.uint32)
        for path in self._paths:
            for pairs in _equal_neighbours(np.fromfile(path, np.uint64), keep):
                merge(labels, *pairs)
        return labels


def merge(labels: Labels, one: npt.NDArray[np.integer], other: npt.NDArray[np.integer]) -> None:
    """Join the clusters of each pair: labels go down to the smallest until nothing changes."""
    while True:
        here, there = labels[one], labels[other]
        least = np.minimum(here, there)
        if (here == there).all():
            return
        np.minimum.at(labels, here, least)
        np.minimum.at(labels, there, least)
        while (labels[labels] != labels).any():
            labels[:] = labels[labels]


def band_keys(words: Hashed, shingles: Hashed, ids: Hashes) -> Hashes:
    """The key of every band of each document, by its words and their runs of RUN_WORDS: (documents, BANDS).

    One without words is like no other: `ids`, (documents,), tells them apart.
    """
    counts = words.counts
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles.hashes, shingles.offsets.astype(np.uint64), num_perm=BANDS * BAND_VALUES, seed=SEED
    )
    values = b"".join(array("Q", row) for row in matrix.to_rows())  # twice as fast as numpy takes whole numbers
    signatures = np.frombuffer(values, np.uint64).reshape(len(counts), BANDS, BAND_VALUES)
    keys: Hashes = combine([signatures[:, :, value] for value in range(BAND_VALUES)])
    keys += np.arange(BANDS, dtype=np.uint64)
    mix(keys.reshape(-1))
    short = np.flatnonzero(counts < RUN_WORDS)
    if not len(short):
        return keys
    sums: Hashes = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words.hashes)])
    own = sums[words.offsets[short + 1]] - sums[words.offsets[short]]  # all its words
    own[counts[short] == 0] = ids[short[counts[short] == 0]]
    keys[short] = mix(own)[:, None] + np.arange(BANDS, dtype=np.uint64)
    return keys


def _equal_neighbours(
    keys: Hashes, keep: npt.NDArray[np.bool_]
) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]]:
    """Pairs of kept documents with the same key, enough of them to join all that have it."""
    for part in range(1 << SLICES_BITS):
        here = np.flatnonzero((keys >> np.uint64(64 - SLICES_BITS) == part) & keep)
        order = here[np.argsort(keys[here], kind="stable")]
        same = keys[order[1:]] == keys[order[:-1]]
        yield order[:-1][same], order[1:][same]
