"""What the train stage says of the model."""

from pydantic import BaseModel, Field

from lm.config import StageMetrics
from lm.formatting import format_count


class Rollback(BaseModel, frozen=True):
    """A step at which the loss ran away, and the step that training went back to."""

    step: int
    back_to: int


class Downshift(BaseModel, frozen=True, populate_by_name=True, serialize_by_alias=True):
    """A micro-batch that memory forced to become smaller."""

    before: int = Field(alias="from")
    after: int = Field(alias="to")
    reason: str


class TrainMetrics(StageMetrics):
    """Size of the model, what it read, and the hash of its weights.

    A model from elsewhere has no training to tell of.
    """

    steps: int
    resumed_from_step: int | None
    parameters: int
    vocab_size: int  # tokens in the vocabulary
    weights_sha256: str
    imported_from: str | None = None  # folder of a model from elsewhere
    trained_tokens: int | None = None
    passes_over_the_data: float | None = None
    final_loss: float | None = None  # nats per token
    seconds_in_steps: float | None = None  # of the stage's seconds
    best_step: int | None = None  # whose weights were kept; null: those of the last one
    temperature: float = 1.0  # by which the model was calibrated
    merge_dropout: float = 0.0  # share of the merges that a text was read without
    rollbacks: tuple[Rollback, ...] = ()
    final_state_sha256: str | None = None  # of the last checkpoint
    downshifts: tuple[Downshift, ...] = ()

    @property
    def headline(self) -> str:
        """Size of the model and its training."""
        return f"{format_count(self.parameters)} parameters, {self.steps:,} steps"
