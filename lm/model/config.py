"""The numbers of one training, all of them settled: what the plan writes down and the trainer obeys."""

from typing import Literal, Self

from pydantic import model_validator

from lm.config import StageConfig


def check_heads(width: int, heads: int, kv_heads: int) -> None:
    """Raise ValueError where a width cannot be made of so many heads."""
    if min(width, heads, kv_heads) < 1:
        raise ValueError(f"width {width}, heads {heads} and kv_heads {kv_heads} must be 1 or more")
    if width % heads or (width // heads) % 2:
        raise ValueError(f"width {width} must be {heads} heads of an even size")
    if heads % kv_heads:
        raise ValueError(f"{heads} heads cannot share {kv_heads} kv_heads evenly")


class ModelConfig(StageConfig):
    """The shape of the network: with the vocabulary's size, all that decides its parameters."""

    layers: int  # blocks of attention and MLP
    width: int  # channels of the residual stream
    heads: int  # of attention
    kv_heads: int  # of keys and values, which the others share
    mlp_width: int  # channels inside the MLP
    context: int  # tokens in a sequence

    @model_validator(mode="after")
    def _divides(self) -> Self:
        check_heads(self.width, self.heads, self.kv_heads)
        if min(self.layers, self.mlp_width, self.context) < 1:
            raise ValueError("layers, mlp_width and context must be 1 or more")
        return self

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.width // self.heads

    def matrix_parameters(self) -> int:
        """Parameters of the layers' matrices: with embedding and norms, all there are."""
        attention = self.width * self.head_width * 2 * (self.heads + self.kv_heads)
        return self.layers * (attention + 2 * self.width * self.mlp_width)

    def parameters(self, vocab_size: int) -> int:
        """All parameters; the embedding counts once, for it serves as the output matrix too."""
        norms = (2 * self.layers + 1) * self.width
        return self.matrix_parameters() + norms + vocab_size * self.width

    def flops_per_token(self, vocab_size: int) -> int:
        """Floating-point operations to train on one token: 6 for each weight that multiplies, and attention."""
        attention = 6 * self.layers * self.width * self.context  # causal: half of the square
        return 6 * (self.matrix_parameters() + vocab_size * self.width) + attention


class TrainingConfig(ModelConfig):
    """Model shape, data order, optimiser and schedule. All that decides the weights, apart from the data."""

    batch_sequences: int  # sequences an optimiser step
    steps: int  # of the optimiser
    former_ends: tuple[tuple[int, int], ...] = ()  # (step, steps): until this step, there were to be so many in all
    precision: Literal["bf16", "fp32"]  # of the arithmetic
    seed: int  # of the first weights and the order of the text
    muon_rate: float = 0.02  # peak learning rate of the matrices
    muon_momentum: float = 0.95  # share of the past gradients in what the matrices follow
    adam_rate: float = 0.005  # peak learning rate of the embedding and the norms
    weight_decay: float = 0.3  # decoupled, on matrices and embedding
    dropout: float = 0.0  # share of what each half of a layer adds, and of the embedding, that a step leaves out
    merge_dropout: float = 0.0  # share of the merges behind its tokens that a text is read without
    average_share: float = 0.0  # of the steps so far over which weights are averaged; 0: the last weights are the model
    validation_share: float = 0.0  # of the training tokens, kept back to see when training stops to help
    calibration_share: float = 0.0  # of the training tokens, kept back to set how sure the model is in the end
    recompute: bool = False  # layers keep no activations, and are computed again on the way back: memory for time
    warmup: float = 0.02  # share of the steps in which the rates rise from zero

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one optimiser step learns from."""
        return self.batch_sequences * self.context

    @property
    def kept_back_share(self) -> float:
        """Of the training tokens, what is not learned from."""
        return max(self.validation_share, self.calibration_share)

    @property
    def planned_steps(self) -> int:
        """The steps there were to be when training began."""
        return self.former_ends[0][1] if self.former_ends else self.steps


def with_steps(recipe: TrainingConfig, steps: int) -> TrainingConfig:
    """The recipe for a run of exactly `steps` optimiser steps."""
    return recipe.model_copy(update={"steps": steps})


def with_end_moved(recipe: TrainingConfig, step: int, steps: int) -> TrainingConfig:
    """The recipe of a training that has come to `step` and will end after `steps` in all, not when it was to."""
    return recipe.model_copy(update={"steps": steps, "former_ends": (*recipe.former_ends, (step, recipe.steps))})


def as_planned(recipe: TrainingConfig) -> TrainingConfig:
    """The recipe as it was before its end was moved for the first time."""
    return recipe.model_copy(update={"steps": recipe.planned_steps, "former_ends": ()})


def smaller_micro_batch(recipe: TrainingConfig, micro_batch: int) -> int:
    """The next smaller micro-batch that divides the batch: the same training in smaller pieces."""
    return max(size for size in range(1, micro_batch) if recipe.batch_sequences % size == 0)
