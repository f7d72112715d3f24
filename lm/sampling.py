"""Tokens from a model, one after the other: key-value cache, batches, seeds."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from lm.model import Cache, Decoder
from lm.next_token import Sampling, draw
from lm.recipe import BOUNDARY_ID, UNKNOWN_ID

Float32s = npt.NDArray[np.float32]


def continuations(
    model: Decoder, prompts: Sequence[Sequence[int]], seeds: Sequence[int], sampling: Sampling, most_tokens: int
) -> list[list[int]]:
    """Continue each prompt by up to `most_tokens` tokens, all of them together.

    A continuation ends before the boundary token. Each row draws from a generator of its own seed, so its text does
    not depend on what else is in the batch, as far as the matrix products of another batch size round alike.
    """
    rows: list[list[int]] = [[] for _ in prompts]
    for step in token_steps(model, prompts, seeds, sampling, most_tokens):
        for row, token in step:
            rows[row].append(token)
    return rows


def token_steps(
    model: Decoder, prompts: Sequence[Sequence[int]], seeds: Sequence[int], sampling: Sampling, most_tokens: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield, step by step, the new tokens of a batch as (row, token); a row that has ended yields no more.

    Prompts of different lengths run abreast: until a row's prompt is used up, its own next token takes the place of
    a drawn one. Past the context length the last half of a context is read again, and the text goes on.
    """
    texts = [[BOUNDARY_ID, *prompt] for prompt in prompts]
    left = [most_tokens] * len(texts)
    randoms = [np.random.default_rng(seed) for seed in seeds]
    position = min(map(len, texts))  # tokens of each row that the model has been given
    reader = _Reader(model)
    while any(left):
        logits = reader.logits_after(texts, position)
        drawing = [row for row, text in enumerate(texts) if left[row] and len(text) == position]
        uniforms = [randoms[row].random() for row in drawing]
        step: list[tuple[int, int]] = []
        for row, token in zip(drawing, draw(logits[drawing], uniforms, sampling).tolist(), strict=True):
            texts[row].append(token)
            left[row] = 0 if token == BOUNDARY_ID else left[row] - 1
            if token != BOUNDARY_ID:
                step.append((row, token))
        for row, text in enumerate(texts):
            if not left[row] and len(text) == position:
                text.append(BOUNDARY_ID)  # an ended row is carried along
        position += 1
        yield step


class _Reader:
    """Runs the model over a growing batch of texts, each token once as long as the context lasts."""

    def __init__(self, model: Decoder) -> None:
        self.model = model
        self.cache = Cache()
        self.read = 0  # tokens of each text that the model has seen

    @torch.inference_mode()
    def logits_after(self, texts: Sequence[Sequence[int]], position: int) -> Float32s:
        """The logits of what follows the first `position` tokens of each text: (B, V)."""
        context = self.model.shape.context
        if self.cache.length + position - self.read > context:
            self.cache = Cache()
            self.read = position - max(context // 2, 1)
        tokens = torch.tensor([text[self.read : position] for text in texts])
        self.read = position
        logits = self.model.logits(self.model.hidden(tokens, self.cache)[:, -1]).numpy()
        logits[:, UNKNOWN_ID] = -np.inf  # it stands for no text
        return logits
