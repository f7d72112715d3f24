"""Several models of one tokenizer as one, whose probabilities are the mean of theirs: the model as it writes."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lm.model.inference import Cache, Float32s, Inference, Tokens


class EnsembleInference:
    """Writes as `lm.model.inference.Inference` does."""

    def __init__(self, members: Sequence[Inference]) -> None:
        self.members = members
        self.shape, self.vocab_size = members[0].shape, members[0].vocab_size

    @property
    def cache_row_bytes(self) -> int:
        """Memory of the keys and values of one text."""
        return sum(member.cache_row_bytes for member in self.members)

    def new_cache(self, batch: int) -> "EnsembleCache":
        """Room for the keys and values of `batch` texts, in every member."""
        return EnsembleCache([member.new_cache(batch) for member in self.members])

    def logits(self, tokens: Tokens, cache: "EnsembleCache") -> Float32s:
        """The logarithms of the mean probabilities (B, V) of what follows `tokens` (B, T)."""
        total = _log_shares(self.members[0].logits(tokens, cache.members[0]))
        for member, its_cache in zip(self.members[1:], cache.members[1:], strict=True):
            total = np.logaddexp(total, _log_shares(member.logits(tokens, its_cache)))
        mean: Float32s = total - np.float32(math.log(len(self.members)))
        return mean


class EnsembleCache:
    """The caches of all members, which have seen the same."""

    def __init__(self, members: Sequence[Cache]) -> None:
        self.members = members

    @property
    def length(self) -> int:
        """Tokens seen so far."""
        return self.members[0].length


def load_writer(models: Sequence[Path]) -> Inference | EnsembleInference:
    """The model of a folder, or the mean of several. Raises BadInput for a folder that is not of this layout."""
    members = [Inference.load(model) for model in models]
    return members[0] if len(members) == 1 else EnsembleInference(members)


def _log_shares(logits: Float32s) -> Float32s:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    shares: Float32s = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shares
