"""The learning curve: one row every few steps, kept with the checkpoints and written as parquet at the end."""

import math
from pathlib import Path
from typing import NotRequired, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from lm.arrow.arrays import table_of
from lm.model.config import TrainingConfig
from lm.store.files import SCHEMA_VERSION

ROWS = 400
ROWS_PER_HELDOUT_LOSS = 32
SMOOTHING = 0.05
RUNAWAY_NATS = 1.0
COLUMNS = {
    "step": pa.int64(),  # optimiser steps so far
    "seconds": pa.float64(),  # of training so far
    "loss": pa.float64(),  # nats per token, mean over the steps since the row before
    "heldout_loss": pa.float64(),  # nats per token on a fixed sample; null at most steps
    "learning_rate": pa.float64(),  # of the matrices
    "tokens_per_second": pa.float64(),  # since the row before
    "memory_bytes": pa.int64(),  # peak of the training process so far
}


class CurveRow(TypedDict):
    """A row of the learning curve: the columns of `metrics.parquet`."""

    step: int
    seconds: float
    loss: float
    heldout_loss: float | None
    learning_rate: float
    tokens_per_second: float
    memory_bytes: int


class MetricsState(TypedDict):
    """The learning curve so far, and what its next row needs."""

    rows: list[CurveRow]
    pending: list[float]  # losses since the last row, in nats per token
    smooth_loss: NotRequired[float]  # nats per token
    lowest_loss: NotRequired[float]  # that smooth_loss has come to


class MetricsLog:
    """Collects losses step by step; `state` and `restore` carry it over an interruption."""

    def __init__(self, recipe: TrainingConfig) -> None:
        self.recipe = recipe
        self.every = max(1, recipe.planned_steps // ROWS)
        self.rows: list[CurveRow] = []
        self.smooth_loss = math.nan
        self.lowest_loss = math.inf  # that the smooth loss has come to
        self._pending: list[float] = []

    def add(self, loss: float) -> None:
        """Take in one step's loss, in nats per token."""
        self._pending.append(loss)
        if math.isnan(self.smooth_loss):
            self.smooth_loss = loss
        self.smooth_loss += SMOOTHING * (loss - self.smooth_loss)
        self.lowest_loss = min(self.lowest_loss, self.smooth_loss)

    @property
    def has_diverged(self) -> bool:
        """Whether the loss is no number any more, or has long been far above what it had come to."""
        return not self.smooth_loss <= self.lowest_loss + RUNAWAY_NATS

    def is_due(self, step: int) -> bool:
        """Whether a row is written after this step."""
        return step % self.every == 0 or step == self.recipe.steps

    def wants_heldout_loss(self, step: int) -> bool:
        """Whether the row of this step is one of the few that get a held-out loss."""
        return step % (self.every * ROWS_PER_HELDOUT_LOSS) == 0 or step == self.recipe.steps

    def write_row(
        self, step: int, *, seconds: float, heldout_loss: float | None, learning_rate: float, memory_bytes: int
    ) -> None:
        """Close the stretch of steps since the last row."""
        before_step, before_seconds = (self.rows[-1]["step"], self.rows[-1]["seconds"]) if self.rows else (0, 0.0)
        tokens = (step - before_step) * self.recipe.tokens_per_step
        self.rows.append(
            {
                "step": step,
                "seconds": round(seconds, 3),
                "loss": sum(self._pending) / len(self._pending),
                "heldout_loss": heldout_loss,
                "learning_rate": learning_rate,
                "tokens_per_second": round(tokens / max(1e-9, seconds - before_seconds), 1),
                "memory_bytes": memory_bytes,
            }
        )
        self._pending = []

    def state(self) -> MetricsState:
        """All of it as JSON."""
        state: MetricsState = {"rows": self.rows, "pending": self._pending}
        if self._pending or self.rows:
            state |= {"smooth_loss": self.smooth_loss, "lowest_loss": self.lowest_loss}
        return state

    def restore(self, state: MetricsState) -> None:
        """Continue from what `state` gave."""
        self.rows, self._pending = list(state["rows"]), list(state["pending"])
        self.smooth_loss = state.get("smooth_loss", math.nan)
        self.lowest_loss = state.get("lowest_loss", math.inf)

    def write(self, path: Path) -> None:
        """Write the whole curve as parquet."""
        schema = pa.schema(list(COLUMNS.items()), metadata={"schema_version": str(SCHEMA_VERSION)})
        rows = [dict(row) for row in self.rows]
        columns = ([row[name] for row in rows] for name in COLUMNS)
        pq.write_table(table_of(columns, schema), path)
