"""A cheap look at the loss on text that a model does not learn from."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lm.model.decoder import Decoder
from lm.tokenizer.tokens import TokenSource, load_stream

WINDOWS = 32


def spread_windows(stream: TokenSource, context: int, count: int, length: int) -> Tensor:
    """Windows spread evenly over a stream's first `length` ids, the last one at their end: (count, context + 1)."""
    starts = np.linspace(0, length - context - 1, count).astype(int)
    return torch.from_numpy(np.stack([stream[s : s + context + 1] for s in starts]).astype(np.int64))


class SampleLoss:
    """The mean loss on a few windows of a token stream, always the same, spread evenly over it."""

    def __init__(self, stream: TokenSource, context: int, micro_batch: int, length: int | None = None) -> None:
        """`stream`: ids, of which the first `length` are looked at, two or more; None: all."""
        length = len(stream) if length is None else length
        context = min(context, length - 1)
        count = max(1, min(WINDOWS, length // (context + 1)))
        self.windows = spread_windows(stream, context, count, length)
        self.micro_batch = micro_batch

    @classmethod
    def of_heldout(cls, tokens: Path, context: int, micro_batch: int) -> "SampleLoss":
        """Of the held-out text: for the learning curve only, nothing is chosen by it."""
        return cls(load_stream(tokens, "heldout"), context, micro_batch)

    @torch.no_grad()
    def measure(self, model: Decoder) -> float:
        """Mean nats per token of `model`, left as it was found."""
        training = model.training
        model.eval()
        device = model.model.embed_tokens.weight.device
        total = 0.0
        for part in torch.split(self.windows.to(device), self.micro_batch):
            total += model.loss(part[:, :-1], part[:, 1:]).item() * len(part)
        model.train(training)
        return total / len(self.windows)
