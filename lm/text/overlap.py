"""Which stretches of held-out text another training has seen: short probes of each are looked up in its text.

A split by document keeps every document on its side while a corpus grows, but a contiguous split moves, and two runs
may split differently: only a look at the text itself tells. One pass, in blocks; memory does not grow with the text.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from lm.text.byte_keys import Keys
from lm.text.documents import Document
from lm.text.seeds import Rows, SeedTable, seeds_of

PROBE_BYTES = 32
PROBES = 16  # of each stretch, spread evenly over it
BLOCK_BYTES = 1 << 20
FILTER_BITS = 20


def seen_shares(stretches: list[bytes], training: Iterable[Document]) -> npt.NDArray[np.float64]:
    """The share of each stretch's probes that the training text holds: (stretches,), from 0 to 1.

    A stretch shorter than a probe counts as unseen.
    """
    owners, keys = _probes(stretches)
    found = np.zeros(len(keys), np.bool_)
    table = SeedTable(keys, np.arange(len(keys)), FILTER_BITS)
    for document in training:
        text = document.text.encode()
        for start in range(0, len(text), BLOCK_BYTES):
            seeds = seeds_of(text[start : start + BLOCK_BYTES + PROBE_BYTES - 1], PROBE_BYTES)
            likely = table.likely(seeds)
            for _, probes in table.pairs(seeds[likely], likely):
                found[probes] = True
    hits = np.bincount(owners[found], minlength=len(stretches))
    return hits / np.maximum(np.bincount(owners, minlength=len(stretches)), 1)


def _probes(stretches: list[bytes]) -> tuple[Rows, Keys]:
    """The stretch that each probe is from, and the probe's key."""
    owners, keys = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for index, stretch in enumerate(stretches):
        every = seeds_of(stretch, PROBE_BYTES)
        if len(every):
            chosen = np.unique(np.linspace(0, len(every) - 1, PROBES).astype(np.int64))
            keys.append(every[chosen])
            owners.append(np.full(len(chosen), index))
    return np.concatenate(owners), np.concatenate(keys)
