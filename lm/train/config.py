"""The train stage: what one may ask of it. The work itself is in `training.py`, which needs torch."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from lm.config import StageConfig
from lm.model.config import TrainingConfig, check_heads

VERSION = 6


class TrainConfig(StageConfig):
    """What to fix of the recipe by hand; what stays empty is chosen by the plan, for this text, time and machine."""

    layers: PositiveInt | None = Field(None, description="blocks of attention and MLP")
    width: PositiveInt | None = Field(None, description="channels of the residual stream")
    heads: PositiveInt | None = Field(None, description="heads of attention; width is a multiple of them")
    kv_heads: PositiveInt | None = Field(None, description="heads of keys and values that the others share")
    mlp_width: PositiveInt | None = Field(None, description="channels inside the MLP")
    context: PositiveInt | None = Field(None, description="tokens in a sequence, which the model reads at once")
    batch_sequences: PositiveInt | None = Field(None, description="sequences in an optimiser step")
    steps: PositiveInt | None = Field(None, description="optimiser steps to make, however long they take")
    precision: Literal["bf16", "fp32"] | None = Field(None, description="precision of the arithmetic")
    muon_rate: PositiveFloat | None = Field(None, description="peak learning rate of the matrices")
    adam_rate: PositiveFloat | None = Field(None, description="peak learning rate of embedding and norms")
    weight_decay: NonNegativeFloat | None = Field(None, description="decoupled weight decay of matrices and embedding")
    dropout: float | None = Field(None, ge=0, lt=0.9, description="share of the layers' output that is left out")
    merge_dropout: float | None = Field(
        None, ge=0, lt=0.9, description="share of the merges behind its tokens that a text is read without"
    )
    average_share: float | None = Field(
        None, ge=0, le=1, description="share of the steps over which weights are averaged; 0: the last ones are kept"
    )
    validation_share: float | None = Field(
        None, ge=0, le=0.5, description="share of the training text that is set aside to stop early; 0: none"
    )
    calibration_share: float | None = Field(
        None, ge=0, le=0.5, description="share of the training text that is set aside to calibrate the model; 0: none"
    )
    recompute: bool | None = Field(None, description="keep fewer activations and compute them again: less memory")
    seed: NonNegativeInt = Field(1, description="seed of the first weights and of the order of the text")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width and self.heads:
            check_heads(self.width, self.heads, self.kv_heads or self.heads)
        return self

    def apply_to(self, recipe: TrainingConfig) -> TrainingConfig:
        """The recipe with what was fixed by hand. Raises pydantic's ValidationError when the two cannot go together."""
        return TrainingConfig.model_validate(recipe.model_dump() | self.model_dump(exclude_none=True))
