"""The train stage: what one may ask of it. The work itself is in `training.py`, which needs torch."""

from typing import Literal

from lm.config import StageConfig
from lm.recipe import Recipe

VERSION = 1


class TrainConfig(StageConfig):
    """What to fix of the recipe by hand; what stays empty is chosen by the plan, for this text, time and machine."""

    layers: int | None = None
    width: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    mlp_width: int | None = None
    context: int | None = None
    batch_sequences: int | None = None
    steps: int | None = None
    precision: Literal["bf16", "fp32"] | None = None
    muon_rate: float | None = None
    adam_rate: float | None = None
    weight_decay: float | None = None
    seed: int = 1

    def apply_to(self, recipe: Recipe) -> Recipe:
        """The recipe with what was fixed by hand. Raises pydantic's ValidationError when the two cannot go together."""
        return Recipe.model_validate(recipe.model_dump() | self.model_dump(exclude_none=True))
