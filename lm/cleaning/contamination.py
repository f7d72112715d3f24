"""How much of the held-out text stands in the training text too, word for word.

Runs of 13 words, as in the GPT-3 paper (Brown et al., 2020, appendix C): long enough that chance and idiom do not
count, short enough that a quoted sentence does.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.cleaning.shingles import Hashes, hash_words, runs

RUN_WORDS = 13
MOST_RUNS = 1 << 18  # of the held-out text; of a larger one a sample, chosen by the hash
BATCH_BYTES = 1 << 20
FILTER_BITS = 21  # a table of 2 MiB that most runs of the training text need not go beyond


class Contamination(NamedTuple):
    """Runs of words of the held-out text, and how many of these the training text has."""

    runs: int  # looked at
    found: int
    sampled: float  # share of all runs that were looked at

    @property
    def share(self) -> float:
        """Share of the held-out runs that training has seen."""
        return self.found / self.runs if self.runs else 0.0


class Wanted(NamedTuple):
    """The runs of the held-out text that are looked for: (runs,) each, without repetition and in order."""

    hashes: Hashes
    counts: npt.NDArray[np.int64]  # how often the held-out text has each
    bits: int  # of a hash, that are 0 where it is in the sample

    def found(self, seen: npt.NDArray[np.bool_]) -> Contamination:
        """What it comes to where the training text has those that `seen`, (runs,), marks."""
        return Contamination(int(self.counts.sum()), int(self.counts[seen].sum()), 0.5**self.bits)


def contamination(training: Iterable[str], heldout: Iterable[str]) -> Contamination:
    """Look up the runs of 13 words of the held-out texts in the training texts, each read once, in bounded memory."""
    wanted = wanted_runs(heldout)
    return wanted.found(seen_runs(wanted, training))


def wanted_runs(heldout: Iterable[str]) -> Wanted:
    """The runs of the held-out texts, MOST_RUNS of them at most."""
    bits, kept = 0, np.empty(0, np.uint64)
    for hashes in _runs_of(heldout):
        kept = np.concatenate([kept, _sampled(hashes, bits)])
        while len(kept) > MOST_RUNS:
            bits += 1
            kept = _sampled(kept, bits)
    return Wanted(*np.unique(kept, return_counts=True), bits)


def seen_runs(wanted: Wanted, training: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Mark the runs that some training texts have: (runs,). Several texts together have what any of them has."""
    found = np.zeros(len(wanted.hashes), np.bool_)
    likely = np.zeros(1 << FILTER_BITS, np.bool_)
    likely[_slots(wanted.hashes)] = True
    for hashes in _runs_of(training):
        hashes = _sampled(hashes, wanted.bits)
        hashes = hashes[likely[_slots(hashes)]]
        if not len(hashes):
            continue
        places = np.minimum(np.searchsorted(wanted.hashes, hashes), len(wanted.hashes) - 1)
        found[places[wanted.hashes[places] == hashes]] = True
    return found


def _sampled(hashes: Hashes, bits: int) -> Hashes:
    return hashes[hashes >> np.uint64(64 - bits) == 0] if bits else hashes


def _slots(hashes: Hashes) -> npt.NDArray[np.int64]:
    return (hashes & np.uint64((1 << FILTER_BITS) - 1)).astype(np.int64)


def _runs_of(texts: Iterable[str]) -> Iterator[Hashes]:
    waiting, size = list[bytes](), 0
    for text in texts:
        waiting.append(text.encode())
        size += len(waiting[-1])
        if size >= BATCH_BYTES:
            yield runs(hash_words(waiting), RUN_WORDS).hashes
            waiting, size = [], 0
    yield runs(hash_words(waiting), RUN_WORDS).hashes
