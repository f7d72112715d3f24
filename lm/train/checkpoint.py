"""Checkpoints that survive a kill or a power cut at any moment.

Temporary file, flush, rename; then the same for a small JSON beside it that holds the hash: its rename is the commit
point. The folder is flushed after each. Reading goes from the newest to the oldest and believes only what its hash
confirms.
"""

from pathlib import Path
from typing import NamedTuple, TypedDict

from safetensors.torch import load_file, save_file
from torch import Tensor

from lm.errors import SlowburnError
from lm.store.files import read_json, replace_atomically, sha256_of, write_json
from lm.train.learning_curve import MetricsState
from lm.train.numerics import Numerics

KEPT = 3


class TrainingFacts(TypedDict, total=False):
    """What resuming needs besides tensors. A trial of the plan keeps nothing of it."""

    metrics: MetricsState
    early_stopping: list[tuple[int, float]]  # step and loss of each measurement on text that is kept back
    rollbacks: list[dict[str, int]]  # `step` at which the loss ran away, `back_to` the step gone back to
    seconds: float  # of the stage so far
    seconds_in_steps: float  # of those, in optimiser steps; older checkpoints lack it
    peak_memory_bytes: int
    numerics: Numerics


class CheckpointRecord(TypedDict):
    """The JSON of a checkpoint. Its rename is the commit point."""

    step: int
    bytes: int  # of the tensors' file
    sha256: str  # of the tensors' file
    facts: TrainingFacts


class Checkpoint(NamedTuple):
    """A verified checkpoint: the step it was taken after, its tensors, and facts about the training so far."""

    step: int
    tensors: dict[str, Tensor]
    facts: TrainingFacts


def save_checkpoint(
    folder: Path, step: int, tensors: dict[str, Tensor], facts: TrainingFacts, *, milestone_steps: int = 1
) -> None:
    """Write a checkpoint so that it exists whole or not at all.

    Kept are the newest few, and the newest one whose step is a multiple of `milestone_steps`.
    """
    folder.mkdir(exist_ok=True)
    weights = folder / f"step-{step:08d}.safetensors"
    write_tensors(weights, tensors)
    size, digest = weights.stat().st_size, sha256_of(weights)
    record: CheckpointRecord = {"step": step, "bytes": size, "sha256": digest, "facts": facts}
    write_json(weights.with_suffix(".json"), record)
    taken = sorted(folder.glob("step-*.json"))
    milestones = [path for path in taken if _step(path) % milestone_steps == 0]
    for old in set(taken) - {*taken[-KEPT:], *milestones[-1:]}:
        _delete(old)


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write safetensors so that a reader sees the old content or the new, never half of it."""
    with replace_atomically(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Load the newest checkpoint that is intact, and say in a few words which newer ones were not.

    Sweeps what a killed writer left: the caller holds the artifact's lock.
    """
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink()
    skipped: list[str] = []
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        weights = path.with_suffix(".safetensors")
        try:
            record = read_json(path)
            intact = weights.is_file() and sha256_of(weights) == record["sha256"]
        except (SlowburnError, KeyError):
            intact = False
        if intact:
            return Checkpoint(record["step"], load_file(weights), record["facts"]), skipped
        skipped.append(f"checkpoint {path.stem} is damaged and was passed over")
        _delete(path)
    for orphan in folder.glob("step-*.safetensors"):
        orphan.unlink()
    return None, skipped


def load_milestone(folder: Path, milestone_steps: int) -> Checkpoint | None:
    """Load the newest intact checkpoint whose step is a multiple of `milestone_steps`; those after it are deleted."""
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        if _step(path) % milestone_steps == 0:
            break
        _delete(path)
    return load_newest(folder)[0]


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def _delete(path: Path) -> None:
    """Take back the commit first: tensors without their JSON are no checkpoint."""
    path.unlink(missing_ok=True)
    path.with_suffix(".safetensors").unlink(missing_ok=True)
