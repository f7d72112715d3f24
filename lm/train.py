"""The train stage: what one may ask of it. The work itself is in `training.py`, which needs torch."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from lm.config import StageConfig
from lm.recipe import Recipe

VERSION = 1


class TrainConfig(StageConfig):
    """What to fix of the recipe by hand; what stays empty is chosen by the plan, for this text, time and machine."""

    layers: PositiveInt | None = None
    width: PositiveInt | None = None
    heads: PositiveInt | None = None
    kv_heads: PositiveInt | None = None
    mlp_width: PositiveInt | None = None
    context: PositiveInt | None = None
    batch_sequences: PositiveInt | None = None
    steps: PositiveInt | None = None
    precision: Literal["bf16", "fp32"] | None = None
    muon_rate: PositiveFloat | None = None
    adam_rate: PositiveFloat | None = None
    weight_decay: NonNegativeFloat | None = None
    seed: NonNegativeInt = 1

    def apply_to(self, recipe: Recipe) -> Recipe:
        """The recipe with what was fixed by hand. Raises pydantic's ValidationError when the two cannot go together."""
        return Recipe.model_validate(recipe.model_dump() | self.model_dump(exclude_none=True))
