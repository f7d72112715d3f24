"""Training windows drawn at random without replacement: which ones, is a pure function of (seed, step)."""

import numpy as np
from numpy.typing import NDArray

from lm.errors import BadInput
from lm.tokenizer.tokens import TokenSource


class Batches:
    """Cuts a token stream into windows of `context` + 1 tokens and serves them shuffled, epoch after epoch.

    Each epoch starts its windows at another offset of the stream, so that the cuts fall elsewhere, and visits every
    window once. A batch may span two epochs. Nothing is remembered between calls: resuming needs only the step.
    """

    def __init__(self, tokens: TokenSource, first: int, context: int, batch_sequences: int, seed: int) -> None:
        """`tokens`: ids, served from the `first` on. Raises BadInput if these do not fill one window."""
        self.tokens, self.first, self.context = tokens, first, context
        self.batch_sequences, self.seed = batch_sequences, seed
        count = len(tokens) - first
        # One window fewer than fit, so that an epoch has the same number of windows whatever its offset.
        self.windows = max(1, (count - 1) // context - 1)
        self.offsets = min(context, count - self.windows * context)
        if count < context + 1:
            raise BadInput(
                f"the training text has {count} tokens, fewer than one sequence of {context} + 1: "
                "use more text or a shorter context"
            )
        self._epoch = -1

    def at(self, step: int) -> NDArray[np.int64]:
        """The batch of one optimiser step: (B, T+1) token ids; inputs are [:, :-1], targets [:, 1:]."""
        first = step * self.batch_sequences
        starts = [self._start(first + sample) for sample in range(self.batch_sequences)]
        return np.stack([self.tokens[start : start + self.context + 1] for start in starts]).astype(np.int64)

    def _start(self, draw: int) -> int:
        """Where in the stream the window of the `draw`-th sample since the beginning starts."""
        epoch, place = divmod(draw, self.windows)
        if epoch != self._epoch:  # the permutation of one epoch is kept, for speed alone
            generator = np.random.default_rng((self.seed, epoch))
            self._offset = int(generator.integers(self.offsets))
            self._order = generator.permutation(np.arange(self.windows, dtype=np.uint32))
            self._epoch = epoch
        return self.first + self._offset + int(self._order[place]) * self.context
