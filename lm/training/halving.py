"""Pieces read as the two that they are made of, now and then: a text that is repeated comes in other tokens each time.

After BPE-dropout (Provilkov et al. 2020, https://arxiv.org/abs/1910.13267), which leaves merges out while text is
encoded: here they are undone later, in the tokens, so that nothing more is stored and a step needs no text.
"""

import numpy as np
import numpy.typing as npt

WHOLE_RATE_SHARE = 0.2  # of the peak: below it pieces stay whole, for a model is used on whole ones
STREAM = 1  # of random numbers, beside those of dropout

Halves = npt.NDArray[np.int64]  # (V, 2): of each piece, the two it is made of; -1 twice where it is made of none


class Halving:
    """Halves a share of the pieces of a batch, and of their halves again: a pure function of (seed, step, sample)."""

    def __init__(self, halves: Halves, share: float, seed: int) -> None:
        self._halves, self._share, self._seed = halves, share, seed

    def of(self, batch: npt.NDArray[np.int64], step: int) -> npt.NDArray[np.int64]:
        """The batch (B, T+1) of a step in other tokens, of as many as before: what does not fit any more is cut off."""
        return np.stack([self._of_sample(ids, step, sample)[: batch.shape[1]] for sample, ids in enumerate(batch)])

    def _of_sample(self, ids: npt.NDArray[np.int64], step: int, sample: int) -> npt.NDArray[np.int64]:
        generator = np.random.Generator(np.random.SFC64((self._seed, step, sample, STREAM)))
        untried = np.ones(len(ids), dtype=bool)
        while (cut := untried & (self._halves[ids, 0] >= 0) & (generator.random(len(ids)) < self._share)).any():
            pieces = 1 + cut
            first = (np.cumsum(pieces) - pieces)[cut]
            pairs = self._halves[ids[cut]]
            ids, untried = np.repeat(ids, pieces), np.repeat(cut, pieces)
            ids[first], ids[first + 1] = pairs.T
        return ids
