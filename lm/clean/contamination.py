"""How much of the held-out text stands in the training text too, word for word.

Runs of 13 words, as in the GPT-3 paper (Brown et al., 2020, appendix C): long enough that chance and idiom do not
count, short enough that a quoted sentence does. All of them are looked for in a small training text; of a large one
cleaning keeps a sample, chosen by the hash, so that the same run is in the sample of either side.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.text.seeds import SeedTable
from lm.text.shingles import Hashed, Hashes, hash_words, runs

RUN_WORDS = 13
SAMPLE_BITS = 6  # of a hash, that are 0 in the sample of a large text: one of 64 runs
MAX_RUNS = 1 << 18  # of the held-out text; of a larger one a sample, chosen by the hash
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


def contamination(training: Iterable[bytes], heldout: Iterable[bytes]) -> Contamination:
    """Look up the runs of 13 words of the held-out texts in the training texts, each in UTF-8 and read once, in bounded
    memory.
    """
    return _look_up(_wanted_runs(heldout), _runs_of(training))


def sampled_contamination(training: Iterable[Hashes], heldout: Iterable[bytes]) -> Contamination:
    """Look up a sample of the runs of the held-out texts among those of the training texts (`sampled_runs`)."""
    return _look_up(_wanted_runs(heldout, SAMPLE_BITS), training)


def sampled_runs(words: Hashed) -> Hashed:
    """The runs of texts, by their words, that are in the sample."""
    all_runs = runs(words, RUN_WORDS)
    places = np.flatnonzero(_in_sample(all_runs.hashes, SAMPLE_BITS))
    return Hashed(all_runs.hashes[places], np.searchsorted(places, all_runs.offsets))


def _wanted_runs(heldout: Iterable[bytes], bits: int = 0) -> Wanted:
    """The runs of the held-out texts, MAX_RUNS of them at most."""
    kept = np.empty(0, np.uint64)
    for hashes in _runs_of(heldout):
        kept = np.concatenate([kept, hashes[_in_sample(hashes, bits)]])
        while len(kept) > MAX_RUNS:
            bits += 1
            kept = kept[_in_sample(kept, bits)]
    return Wanted(*np.unique(kept, return_counts=True), bits)


def _look_up(wanted: Wanted, training: Iterable[Hashes]) -> Contamination:
    found = np.zeros(len(wanted.hashes), np.bool_)
    table = SeedTable(wanted.hashes, np.arange(len(wanted.hashes)), FILTER_BITS)
    for runs_there in training:
        hashes = runs_there[_in_sample(runs_there, wanted.bits)]
        likely = table.likely(hashes)
        for _, places in table.pairs(hashes[likely], likely):
            found[places] = True
    return Contamination(int(wanted.counts.sum()), int(wanted.counts[found].sum()), 0.5**wanted.bits)


def _in_sample(hashes: Hashes, bits: int) -> npt.NDArray[np.bool_]:
    return hashes < np.uint64(1 << (64 - bits)) if bits else np.ones(len(hashes), np.bool_)


def _runs_of(texts: Iterable[bytes]) -> Iterator[Hashes]:
    waiting, size = list[bytes](), 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        del text  # it may be large
        if size >= BATCH_BYTES:
            yield runs(hash_words(waiting), RUN_WORDS).hashes
            waiting.clear()
            size = 0
    yield runs(hash_words(waiting), RUN_WORDS).hashes
