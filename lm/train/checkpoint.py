"""Checkpoints that survive a kill or a power cut at any moment.

Temporary file, flush, rename; then the same for a small JSON beside it that holds the hash, and a checksum of itself:
its rename is the commit point. The folder is flushed after each. Reading goes from the newest to the oldest and
believes only what hash and checksum confirm.
"""

from pathlib import Path
from typing import NamedTuple, TypedDict, cast

from safetensors.torch import load_file
from torch import Tensor

from lm.errors import Damaged
from lm.model.tensor_file import save_tensors
from lm.store.files import replace_atomically, sha256_of, write_record
from lm.train.checkpoint_files import read_checkpoint, step_of, tensors_of
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
    recipe: str  # hash of what is trained, so that no other training's is taken; older checkpoints lack it


class CheckpointRecord(TypedDict):
    """The JSON of a checkpoint. Its rename is the commit point."""

    step: int
    bytes: int  # of the tensors' file
    sha256: str  # of the tensors' file
    facts: TrainingFacts


FACTS = TrainingFacts.__annotations__.keys()
NEWER_FACTS = {"seconds_in_steps", "recipe"}


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
    write_record(weights.with_suffix(".json"), record)
    taken = sorted(folder.glob("step-*.json"))
    milestones = [path for path in taken if step_of(path) % milestone_steps == 0]
    for old in set(taken) - {*taken[-KEPT:], *milestones[-1:]}:
        _delete(old)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write safetensors so that a reader sees the old content or the new, never half of it. Raises OSError."""
    with replace_atomically(path) as temporary:
        save_tensors(temporary, tensors, metadata)


def load_newest(folder: Path, recipe: str) -> tuple[Checkpoint | None, list[str]]:
    """Load the newest checkpoint that is intact, and say in a few words which newer ones were not.

    `recipe`: the hash of what is trained; a checkpoint of something else is not intact here. Sweeps what a killed
    writer left: the caller holds the artifact's lock.
    """
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink()
    skipped: list[str] = []
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            return _load(path, recipe), skipped
        except Damaged as error:
            skipped.append(f"checkpoint {path.stem} was passed over: {error}")
            _delete(path)
    for orphan in folder.glob("step-*.safetensors"):
        orphan.unlink()
    return None, skipped


def load_milestone(folder: Path, recipe: str, milestone_steps: int) -> Checkpoint | None:
    """Load the newest intact checkpoint whose step is a multiple of `milestone_steps`; those after it are deleted."""
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        if step_of(path) % milestone_steps == 0:
            break
        _delete(path)
    return load_newest(folder, recipe)[0]


def _load(path: Path, recipe: str) -> Checkpoint:
    """Load a checkpoint. Raises Damaged where it is not what was written, or of another training."""
    record = read_checkpoint(path)
    facts = record["facts"]
    if not FACTS - NEWER_FACTS <= facts.keys() <= FACTS or facts.get("recipe", recipe) != recipe:
        raise Damaged(f"{path} is of another training, or of another version of Slowburn: it is not used")
    return Checkpoint(record["step"], load_file(tensors_of(path)), cast(TrainingFacts, facts))


def _delete(path: Path) -> None:
    """Take back the commit first: tensors without their JSON are no checkpoint."""
    path.unlink(missing_ok=True)
    tensors_of(path).unlink(missing_ok=True)
