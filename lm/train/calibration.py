"""How sure a model is: set on a part of the training text that was kept back, once training is over.

A model that has read its text many times is too sure of itself on any other. One number mends that without changing
what it holds likely: the temperature that the logits are divided by (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
Divided is the gain of the last norm, which the logits are proportional to, so that the model stays one like any other.
"""

import torch
from torch import Tensor

from lm.model.decoder import Decoder
from lm.tokenizer.tokens import TokenSource
from lm.train.sample_loss import spread_windows
from lm.train.trainer import Trainer

WINDOWS = 128  # spread evenly over the text; the last quarter of each counts, where the context is long
LEAST, MOST = 0.5, 2.0  # temperature
MIN_TOKENS = 256  # to find it on: they tell it to about 0.04
ITERATIONS = 6  # of Newton's method; four are enough
GAIN = "model.norm.weight"


def calibrated(weights: dict[str, Tensor], temperature: float) -> dict[str, Tensor]:
    """The weights of a model whose logits are divided by `temperature`."""
    return weights | {GAIN: weights[GAIN] / temperature}


def calibrated_weights(trainer: Trainer, weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], float]:
    """Calibrate weights on the text that was kept back; return the temperature too, 1 where too little was kept."""
    if trainer.kept_back_tokens < MIN_TOKENS:
        return weights, 1.0
    with trainer.showing(weights) as model:
        temperature = best_temperature(model, trainer.tokens, trainer.kept_back_tokens, trainer.micro_batch)
    return calibrated(weights, temperature), round(temperature, 4)


@torch.no_grad()
def best_temperature(model: Decoder, stream: TokenSource, length: int, micro_batch: int) -> float:
    """The temperature with the least cross-entropy on the first `length` tokens of `stream`, two or more."""
    context = min(model.shape.context, length - 1)
    counted = max(1, context // 4)
    windows = min(WINDOWS, max(1, (length - context - 1) // counted + 1))
    ids = spread_windows(stream, context, windows, length)
    parts = [part.to(model.model.norm.weight.device) for part in torch.split(ids, micro_batch)]
    states = [(model.hidden(part[:, :-1])[:, -counted:], part[:, -counted:]) for part in parts]
    sharpness = 1.0  # one over the temperature, in which the loss is convex
    for _ in range(ITERATIONS):
        slope, bend = _derivatives(model, states, sharpness)
        sharpness = min(1 / LEAST, max(1 / MOST, sharpness - slope / max(bend, 1e-9)))
    return 1 / sharpness


def _derivatives(model: Decoder, states: list[tuple[Tensor, Tensor]], sharpness: float) -> tuple[float, float]:
    """First and second derivative of the summed cross-entropy with respect to the factor of the logits."""
    slope = bend = 0.0
    for hidden, targets in states:
        logits = model.logits(hidden)
        shares = (sharpness * logits).softmax(dim=-1)
        mean = (shares * logits).sum(dim=-1)
        slope += float((mean - logits.gather(-1, targets[..., None])[..., 0]).sum())
        bend += float(((shares * logits.square()).sum(dim=-1) - mean.square()).sum())
    return slope, bend
