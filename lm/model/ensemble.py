"""Several models of one tokenizer as one, whose probabilities are the mean of theirs: the model as it is judged."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lm.model.decoder import Decoder


class EnsembleDecoder:
    """Predicts as a `Decoder` does. States are those of all members side by side; logits are log-shares."""

    def __init__(self, members: Sequence[Decoder]) -> None:
        self.members = members
        self.shape, self.vocab_size = members[0].shape, members[0].vocab_size

    def hidden(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> states (B, T, members·C)."""
        return torch.cat([member.hidden(tokens) for member in self.members], dim=-1)

    def logits(self, states: Tensor) -> Tensor:
        """States (..., members·C) -> the logarithms of the mean probabilities (..., V) in fp32."""
        parts = torch.split(states, [member.shape.width for member in self.members], dim=-1)
        total = self.members[0].logits(parts[0]).log_softmax(dim=-1)
        for member, part in zip(self.members[1:], parts[1:], strict=True):
            total = torch.logaddexp(total, member.logits(part).log_softmax(dim=-1))
        return total - math.log(len(self.members))
