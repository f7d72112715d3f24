"""Smaller micro-batches after memory ran out: the same training, the same effective batch, in smaller pieces."""

from pathlib import Path

from pydantic import BaseModel

from lm.model.config import TrainingConfig, smaller_micro_batch
from lm.store.files import SCHEMA_VERSION, read_record, write_record
from lm.train.metrics import Downshift

FILE = "downshifts.json"


class _Downshifts(BaseModel):
    downshifts: list[Downshift]


def downshifts(partial: Path) -> list[Downshift]:
    """Every downshift of an unfinished training so far, oldest first."""
    path = partial / FILE
    return read_record(path, _Downshifts).downshifts if path.exists() else []


def record_downshift(partial: Path, old: int, new: int, reason: str) -> None:
    """Remember that the micro-batch became smaller: a process that takes over begins with it."""
    shifts = [*downshifts(partial), Downshift(before=old, after=new, reason=reason)]
    listed = [shift.model_dump(mode="json") for shift in shifts]
    write_record(partial / FILE, {"schema_version": SCHEMA_VERSION, "downshifts": listed})


def current_micro_batch(partial: Path, planned: int) -> int:
    """The planned micro-batch, or the smaller one that memory has forced since."""
    return min([planned, *(shift.after for shift in downshifts(partial))])


def shift_down(partial: Path, recipe: TrainingConfig, planned: int, reason: str) -> int | None:
    """Make the next attempt use a smaller micro-batch; returns it, or None when it is 1 already."""
    current = current_micro_batch(partial, planned)
    if current == 1 or not partial.exists():
        return None
    smaller = smaller_micro_batch(recipe, current)
    record_downshift(partial, current, smaller, reason)
    return smaller
