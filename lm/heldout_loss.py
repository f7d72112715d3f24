"""A cheap look at held-out text while training: for the learning curve only, nothing is chosen by it."""

from pathlib import Path

import numpy as np
import torch

from lm.model import Decoder
from lm.recipe import Recipe
from lm.tokens import load_stream

WINDOWS = 32


class HeldoutLoss:
    """The mean loss on a few windows, always the same, spread evenly over the held-out text."""

    def __init__(self, tokens: Path, recipe: Recipe, micro_batch: int) -> None:
        stream = load_stream(tokens, "heldout")
        context = min(recipe.context, len(stream) - 1)
        count = max(1, min(WINDOWS, len(stream) // (context + 1)))
        starts = np.linspace(0, len(stream) - context - 1, count).astype(int)
        self.windows = torch.from_numpy(np.stack([stream[s : s + context + 1] for s in starts]).astype(np.int64))
        self.micro_batch = micro_batch

    @torch.no_grad()
    def measure(self, model: Decoder) -> float:
        """Mean nats a token of `model`, left as it was found."""
        training = model.training
        model.eval()
        device = model.model.embed_tokens.weight.device
        total = 0.0
        for part in torch.split(self.windows.to(device), self.micro_batch):
            total += model.loss(part[:, :-1], part[:, 1:]).item() * len(part)
        model.train(training)
        return total / len(self.windows)
