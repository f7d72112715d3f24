"""What a model says of held-out text: the nats of every token, each counted once and each with enough before it.

A document longer than the context is read in windows that overlap by half: every token but the first ones of a
document sees at least half a context. Windows of one length are scored together, whatever documents they are from.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from lm.model.config import ModelConfig
from lm.tokenizer.special_tokens import BOUNDARY_ID

LOGITS_BYTES = 32 << 20  # of one batch, in fp32
MAX_TOKENS_AT_ONCE = 1024  # more is no faster, and takes more memory
GROUP_TOKENS = 1 << 18  # documents are taken in groups of about so many tokens, to bound the memory

Tokens = npt.NDArray[np.integer]
Float32s = npt.NDArray[np.float32]
Watch = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]


class Predictor(Protocol):
    """What text can be judged by: `lm.model.decoder.Decoder`, or several of it as one."""

    shape: ModelConfig
    vocab_size: int

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, T) -> states (B, T, …)."""

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """States (n, …) -> logits (n, V) in fp32."""


@dataclass(frozen=True)
class Window:
    """A stretch of one document: the model predicts its tokens [start, end), and those from `scored` on count."""

    document: int
    start: int
    scored: int
    end: int


def windows(document: int, length: int, context: int) -> Iterator[Window]:
    """Cover `length` tokens so that each is scored once, after at least half a context where there is as much."""
    end = 0
    while end < length:
        scored = end
        end = min(end + (max(context // 2, 1) if end else context), length)
        yield Window(document, max(end - context, 0), scored, end)


def token_nats(model: Predictor, documents: Iterable[Tokens], watch: Watch | None = None) -> Iterator[Float32s]:
    """Yield -ln p of every token of each document, in order: one array (tokens,) a document.

    documents: the token ids of each, without a boundary; each is read after the boundary token, as in training. The
    arithmetic runs in the model's `compute_dtype`, the logarithms in fp32. `watch` is given the logits (n, V), tokens
    (n,) and nats (n,) of every batch.
    """
    for group in _groups(documents):
        results = [np.zeros(len(document), np.float32) for document in group]
        cover = [
            window for index, tokens in enumerate(group) for window in windows(index, len(tokens), model.shape.context)
        ]
        for batch in _batches(cover, model):
            for window, nats in zip(batch, _score(model, group, batch, watch), strict=True):
                results[window.document][window.scored : window.end] = nats
        yield from results


def window_nats(model: Predictor, documents: Iterable[Tokens], every: int) -> list[Float32s]:
    """-ln p of all tokens of some windows, which do not overlap and are a context long where their document is.

    Every `every`-th of the windows that the documents have, in order. The token at place p of a window is judged after
    p + 1 others: the one before the window (the boundary at a document's beginning) is the first of them.
    """
    starts = ((tokens, start) for tokens in documents for start in range(0, len(tokens), model.shape.context))
    group, chosen = list[Tokens](), list[Window]()
    for tokens, start in islice(starts, every // 2, None, every):
        before = min(start, 1)
        group.append(tokens[start - before : start + model.shape.context].copy())
        chosen.append(Window(len(chosen), before, before, len(group[-1])))
    results = [np.empty(window.end - window.scored, np.float32) for window in chosen]
    for batch in _batches(chosen, model):
        for window, nats in zip(batch, _score(model, group, batch, None), strict=True):
            results[window.document][:] = nats  # what a batch leaves behind would lie between the next ones' logits
    return results


def _groups(documents: Iterable[Tokens]) -> Iterator[list[Tokens]]:
    group: list[Tokens] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document)
        if size >= GROUP_TOKENS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _batches(every: list[Window], model: Predictor) -> Iterator[list[Window]]:
    """Windows of similar length together, the longest first, as many as fit the memory set aside."""
    every = sorted(every, key=lambda window: window.start - window.end)
    at_once = min(LOGITS_BYTES // (4 * model.vocab_size), MAX_TOKENS_AT_ONCE)
    first = 0
    while first < len(every):
        count = max(at_once // (every[first].end - every[first].start), 1)
        yield every[first : first + count]
        first += count


@torch.inference_mode()
def _score(model: Predictor, group: list[Tokens], batch: list[Window], watch: Watch | None) -> list[Float32s]:
    """-ln p of the scored tokens of each window. Shorter windows are padded at the end, where nothing looks."""
    longest = max(window.end - window.start for window in batch)
    inputs = torch.full((len(batch), longest), BOUNDARY_ID)  # (B, T)
    targets = torch.full((len(batch), longest), BOUNDARY_ID)
    counts = torch.zeros((len(batch), longest), dtype=torch.bool)
    for row, window in enumerate(batch):
        tokens = torch.from_numpy(group[window.document][max(window.start - 1, 0) : window.end].astype(np.int64))
        length = window.end - window.start
        inputs[row, length - len(tokens) + 1 : length] = tokens[:-1]  # the boundary token stands before the first
        targets[row, :length] = tokens[-length:]
        counts[row, window.scored - window.start : length] = True
    states = model.hidden(inputs)[counts]  # (scored tokens, C)
    logits, came = model.logits(states), targets[counts]
    nats = F.cross_entropy(logits, came, reduction="none")
    if watch:
        watch(logits, came, nats)
    return np.split(nats.numpy(), np.cumsum(counts.sum(dim=1).numpy())[:-1])
