"""Tokens from a model, one after the other: key-value cache, batches, seeds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lm.model.config import ModelConfig
from lm.model.sample_token import sample_token
from lm.model.sampling_params import SamplingParams
from lm.progress import Progress, silent
from lm.tokenizer.special_tokens import BOUNDARY_ID, UNKNOWN_ID

CACHE_BYTES = 64 << 20
MAX_ROWS = 32

Float32s = npt.NDArray[np.float32]


class Writer(Protocol):
    """What texts can be sampled from: `lm.model.inference.Inference`, or several of it as one."""

    shape: ModelConfig
    vocab_size: int

    @property
    def cache_row_bytes(self) -> int:
        """Memory of what is kept of one text."""

    def new_cache(self, batch: int) -> Any:
        """What `logits` keeps of `batch` texts; `length` says of how many tokens."""

    def logits(self, tokens: npt.NDArray[np.integer], cache: Any) -> Float32s:
        """Logits (B, V) of what follows `tokens` (B, T), which follow those that the cache has seen."""


@dataclass(frozen=True)
class Request:
    """One text to be written: the token ids it begins with, and how it goes on."""

    prompt: Sequence[int]
    seed: int
    sampling: SamplingParams


def continuations(
    model: Writer,
    requests: Sequence[Request],
    most_tokens: int,
    progress: Progress = silent,
    is_last: Callable[[int, int], bool] = lambda request, token: False,
) -> list[list[int]]:
    """Write each request's continuation, up to `most_tokens` tokens and ending before the boundary token.

    `is_last` is asked with the request's number and every token of it, and may say that it is enough.

    As many at a time as have room for their keys and values. Each draws from a generator of its own seed, so its text
    does not depend on what else is written, as far as the matrix products of another batch size round alike.
    """
    at_once = min(max(CACHE_BYTES // model.cache_row_bytes, 1), MAX_ROWS)
    written: list[list[int]] = [[] for _ in requests]
    done = 0
    for first in range(0, len(requests), at_once):
        ended = set[int]()
        for step in token_steps(model, requests[first : first + at_once], most_tokens, ended):
            for row, token in step:
                written[first + row].append(token)
                if is_last(first + row, token):
                    ended.add(row)
            done += len(step)
            progress(done, len(requests) * most_tokens, "token")
    return written


def token_steps(
    model: Writer, requests: Sequence[Request], most_tokens: int, ended: set[int] | None = None
) -> Iterator[list[tuple[int, int]]]:
    """Yield, step by step, the new tokens of a batch as (row, token); a row that has ended yields no more.

    Whoever reads may put rows into `ended` between two steps: they end there.

    Prompts of different lengths run abreast: until a row's prompt is used up, its own next token takes the place of
    a drawn one. Past the context length the last half of a context is read again, and the text goes on.
    """
    texts = [[BOUNDARY_ID, *request.prompt] for request in requests]
    left = [most_tokens] * len(texts)
    randoms = [np.random.default_rng(request.seed) for request in requests]
    reader = _Reader(model, len(texts))
    ended = set() if ended is None else ended
    position = min(map(len, texts), default=0)  # tokens of each text that the model is given
    while any(count for row, count in enumerate(left) if row not in ended):
        logits = reader.logits_after(texts, position)
        step: list[tuple[int, int]] = []
        for row, text in enumerate(texts):
            if len(text) > position:  # still in its prompt
                continue
            going = left[row] and row not in ended
            token = (
                sample_token(logits[row], randoms[row].random(), requests[row].sampling, text) if going else BOUNDARY_ID
            )
            text.append(token)  # a row that has ended is carried along
            left[row] = 0 if token == BOUNDARY_ID else left[row] - 1
            if token != BOUNDARY_ID:
                step.append((row, token))
        position += 1
        yield step


class _Reader:
    """Runs the model over a growing batch of texts, each token once as long as the context lasts."""

    def __init__(self, model: Writer, batch: int) -> None:
        self.model, self.batch = model, batch
        self.start, self.cache = 0, model.new_cache(batch)

    def logits_after(self, texts: Sequence[Sequence[int]], position: int) -> Float32s:
        """The logits of what follows the first `position` tokens of each text: (B, V)."""
        start = _window_start(position, self.model.shape.context)
        if start != self.start:
            self.start, self.cache = start, self.model.new_cache(self.batch)
        tokens = np.array([text[start + self.cache.length : position] for text in texts])
        logits = self.model.logits(tokens, self.cache)
        logits[:, UNKNOWN_ID] = -np.inf  # it stands for no text
        return logits


def _window_start(position: int, context: int) -> int:
    """Where the model begins to read what stands before `position`: the same for every batch."""
    half = (context + 1) // 2
    return -(min(context - position, 0) // half) * half
