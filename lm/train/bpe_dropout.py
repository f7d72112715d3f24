"""Pieces spelled with smaller ones, now and then: a text that is repeated comes in other tokens each time.

After BPE-dropout (Provilkov et al. 2020, https://arxiv.org/abs/1910.13267), which leaves merges out while text is
encoded: here they are left out later, in the tokens, so that nothing more is stored and a step needs no text. And they
are left out of all of a sample, as if its tokenizer had never learned them: what is said again is spelled as before, so
that a model still learns to look it up.
"""

import numpy as np
import numpy.typing as npt

from lm.tokenizer.merge_table import MergeTable

WHOLE_LR_MULTIPLIER = 0.2  # of the peak: below it pieces stay whole, for a model is used on whole ones
STREAM = 1  # of random numbers, beside those of dropout

Ids = npt.NDArray[np.int64]


class BpeDropout:
    """Leaves out a share of the merges behind the tokens of a batch: a pure function of (seed, step, sample)."""

    def __init__(self, merge_table: MergeTable, share: float, seed: int) -> None:
        self._spellings, self._seed = merge_table, seed
        self._chances = 1 - (1 - share) ** merge_table.merges  # (V,): that one is left out

    def of(self, batch: Ids, step: int) -> Ids:
        """The batch (B, T+1) of a step in other tokens, of as many as before: what does not fit any more is cut off."""
        samples, length = batch.shape
        draws = np.stack([self._draw(step, sample) for sample in range(samples)], axis=1)
        is_respelled, places = draws[0] < self._chances, draws[1]  # (B, V) each
        ids, rows, is_whole = batch.ravel(), np.repeat(np.arange(samples), length), np.ones(batch.size, dtype=bool)
        while (cut := is_whole & is_respelled[rows, ids]).any():
            others = list(map(self._other, ids[cut], places[rows[cut], ids[cut]]))
            counts = np.ones(len(ids), dtype=np.int64)
            counts[cut] = [len(other) for other in others]
            ids, rows, new, counts = (np.repeat(values, counts) for values in (ids, rows, cut, counts))
            ids[new], is_whole = np.concatenate(others), new & (counts > 1)
        respelled: Ids = ids[np.searchsorted(rows, np.arange(samples))[:, None] + np.arange(length)]
        return respelled

    def _draw(self, step: int, sample: int) -> npt.NDArray[np.float32]:
        """Two numbers from 0 to 1 for each token, in one sample: (2, V)."""
        generator = np.random.Generator(np.random.SFC64((self._seed, step, sample, STREAM)))
        return generator.random((2, len(self._chances)), dtype=np.float32)

    def _other(self, token: int, place: float) -> Ids:
        """The other spelling of a token at a place between 0 and 1."""
        others = self._spellings.of(token)
        return others[int(place * len(others))]
