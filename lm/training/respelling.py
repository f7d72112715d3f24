"""Pieces spelled with smaller ones, now and then: a text that is repeated comes in other tokens each time.

After BPE-dropout (Provilkov et al. 2020, https://arxiv.org/abs/1910.13267), which leaves merges out while text is
encoded: here they are left out later, in the tokens, so that nothing more is stored and a step needs no text.
"""

import numpy as np
import numpy.typing as npt

from lm.tokenizing.spellings import Spellings

WHOLE_RATE_SHARE = 0.2  # of the peak: below it pieces stay whole, for a model is used on whole ones
STREAM = 1  # of random numbers, beside those of dropout

Ids = npt.NDArray[np.int64]


class Respelling:
    """Leaves out a share of the merges behind the tokens of a batch: a pure function of (seed, step, sample)."""

    def __init__(self, spellings: Spellings, share: float, seed: int) -> None:
        self._spellings, self._seed = spellings, seed
        self._chances = 1 - (1 - share) ** spellings.merges  # (V,): that one is left out

    def of(self, batch: Ids, step: int) -> Ids:
        """The batch (B, T+1) of a step in other tokens, of as many as before: what does not fit any more is cut off."""
        return np.stack([self._of_sample(ids, step, sample)[: batch.shape[1]] for sample, ids in enumerate(batch)])

    def _of_sample(self, ids: Ids, step: int, sample: int) -> Ids:
        generator = np.random.Generator(np.random.SFC64((self._seed, step, sample, STREAM)))
        chances = self._chances[ids]
        while (chosen := generator.random(len(ids)) < chances).any():
            others = [self._other(token, generator.random()) for token in ids[chosen]]
            counts = np.ones(len(ids), dtype=np.int64)
            counts[chosen] = [len(other) for other in others]
            ids, new = np.repeat(ids, counts), np.repeat(chosen, counts)
            ids[new] = np.concatenate(others)
            chances = np.where(new & (np.repeat(counts, counts) > 1), self._chances[ids], 0.0)
        return ids

    def _other(self, token: int, place: float) -> Ids:
        """The other spelling of a token at a place between 0 and 1."""
        others = self._spellings.of(token)
        return others[int(place * len(others))]
