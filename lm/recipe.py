"""The numbers of one training, all of them settled: what the plan writes down and the trainer obeys."""

from typing import Literal

from lm.config import StageConfig


class Recipe(StageConfig):
    """Model shape, data order, optimiser and schedule. All that decides the weights, apart from the data."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp_width: int
    context: int  # tokens a sequence
    batch_sequences: int  # sequences an optimiser step
    steps: int
    precision: Literal["bf16", "fp32"]
    seed: int
