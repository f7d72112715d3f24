"""The end of a training as it was moved, kept beside its checkpoints before the first step that depends on it.

A process that goes on after a kill so makes the very steps that the killed one made, or would have made.
"""

from pathlib import Path
from typing import Self

from pydantic import BaseModel

from lm.model.config import TrainingConfig, with_end_moved
from lm.store.files import SCHEMA_VERSION, read_record, remake_advice, write_record
from lm.train.deadline import NewEnd
from lm.train.scratch import SCHEDULE_FILE


class Schedule(BaseModel, frozen=True):
    """When a training ends, and when it was to end before."""

    schema_version: int = SCHEMA_VERSION
    steps: int  # in all
    former_ends: tuple[tuple[int, int], ...]  # (step, steps): until this step, there were to be so many in all
    step_seconds: float  # by which that was decided last

    @classmethod
    def moved(cls, recipe: TrainingConfig, end: NewEnd) -> Self:
        """The schedule of a training whose end is moved now."""
        moved = with_end_moved(recipe, end.step, end.steps)
        return cls(steps=moved.steps, former_ends=moved.former_ends, step_seconds=end.step_seconds)

    def applied_to(self, recipe: TrainingConfig) -> TrainingConfig:
        """The recipe with this schedule."""
        return recipe.model_copy(update={"steps": self.steps, "former_ends": self.former_ends})


def read_schedule(partial: Path) -> Schedule | None:
    """The schedule of an unfinished training; None where its end was never moved."""
    path = partial / SCHEDULE_FILE
    return read_record(path, Schedule, remake_advice(partial)) if path.exists() else None


def write_schedule(partial: Path, schedule: Schedule) -> None:
    """Keep a schedule: it is on the disk when this returns."""
    write_record(partial / SCHEDULE_FILE, schedule.model_dump(mode="json"))
