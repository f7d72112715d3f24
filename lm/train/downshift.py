"""Smaller micro-batches after memory ran out: the same training, the same effective batch, in smaller pieces."""

from pathlib import Path
from typing import Any

from lm.model.config import TrainingConfig, smaller_micro_batch
from lm.store.files import SCHEMA_VERSION, read_json, write_json

FILE = "downshifts.json"


def downshifts(partial: Path) -> list[dict[str, Any]]:
    """Every downshift of an unfinished training so far, oldest first."""
    path = partial / FILE
    return list(read_json(path)["downshifts"]) if path.exists() else []


def record_downshift(partial: Path, old: int, new: int, reason: str) -> None:
    """Remember that the micro-batch became smaller: a process that takes over begins with it."""
    shifts = [*downshifts(partial), {"from": old, "to": new, "reason": reason}]
    write_json(partial / FILE, {"schema_version": SCHEMA_VERSION, "downshifts": shifts})


def current_micro_batch(partial: Path, planned: int) -> int:
    """The planned micro-batch, or the smaller one that memory has forced since."""
    return min([planned, *(int(shift["to"]) for shift in downshifts(partial))])


def shift_down(partial: Path, recipe: TrainingConfig, planned: int, reason: str) -> int | None:
    """Make the next attempt use a smaller micro-batch; returns it, or None when it is 1 already."""
    current = current_micro_batch(partial, planned)
    if current == 1 or not partial.exists():
        return None
    smaller = smaller_micro_batch(recipe, current)
    record_downshift(partial, current, smaller, reason)
    return smaller
