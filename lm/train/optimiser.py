"""Muon for the layers' matrices, AdamW for the rest, and the schedule of their rates."""

from torch.optim import AdamW, Optimizer

from lm.model.config import TrainingConfig
from lm.model.decoder import Decoder
from lm.train.muon import BatchedMuon


def make_optimisers(model: Decoder, recipe: TrainingConfig) -> tuple[Optimizer, ...]:
    """Muon, in the precision of the model's arithmetic, and AdamW, in that order.

    AdamW takes the embedding, which a step touches in few rows, and the norms. Rates are set anew before every step.
    """
    layers = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    norms = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    embedding = model.model.embed_tokens.weight
    adam_groups = [
        {"params": [embedding], "weight_decay": recipe.weight_decay},
        {"params": norms, "weight_decay": 0.0},
    ]
    return (
        BatchedMuon(layers, momentum=recipe.muon_momentum, weight_decay=recipe.weight_decay, dtype=model.compute_dtype),
        AdamW(adam_groups, lr=recipe.adam_rate, betas=(0.9, 0.95), fused=True),
    )


def lr_multiplier(step: int, recipe: TrainingConfig) -> float:
    """The share of the peak rate at one step, counted from 0: a short linear rise, then a linear fall to zero.

    Where the end was moved, the fall is steeper or flatter from there on.
    """
    rise = max(1.0, recipe.warmup * recipe.planned_steps)
    share, since, steps = 1.0, rise, recipe.steps
    for moved, planned in recipe.former_ends:
        if step < moved:
            steps = planned
            break
        share, since = share * (planned - moved) / max(1.0, planned - since), moved
    return min((step + 1) / rise, share * (steps - step) / max(1.0, steps - since))


def set_rates(optimisers: tuple[Optimizer, ...], recipe: TrainingConfig, step: int, factor: float) -> None:
    """Give every parameter group the rate of one step, times `factor`."""
    share = lr_multiplier(step, recipe) * factor
    for optimiser, peak in zip(optimisers, (recipe.muon_rate, recipe.adam_rate), strict=True):
        for group in optimiser.param_groups:
            group["lr"] = peak * share
