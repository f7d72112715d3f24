"""Checkpoints that survive a kill or a power cut at any moment.

Temporary file, flush, hash, rename; then the same for a small JSON beside it, whose rename is the commit point; the
folder is flushed after each. Reading goes from the newest to the oldest and believes only what its hash confirms.
"""

from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file, save_file
from torch import Tensor

from lm.errors import SlowburnError
from lm.store import flush, read_json, sha256_of, write_json

KEPT = 3


class Checkpoint(NamedTuple):
    """A verified checkpoint: the step it was taken after, its tensors, and facts about the training so far."""

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save_checkpoint(folder: Path, step: int, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write a checkpoint so that it exists whole or not at all, and keep the newest few."""
    folder.mkdir(exist_ok=True)
    name = f"step-{step:08d}"
    weights = folder / f"{name}.safetensors"
    temporary = folder / f".{name}.tmp"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, temporary)
    flush(temporary)
    record = {"step": step, "bytes": temporary.stat().st_size, "sha256": sha256_of(temporary), "facts": facts}
    temporary.replace(weights)
    flush(folder)
    write_json(weights.with_suffix(".json"), record)
    for old in sorted(folder.glob("step-*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


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
        path.unlink(missing_ok=True)
        weights.unlink(missing_ok=True)
    for orphan in folder.glob("step-*.safetensors"):
        orphan.unlink()
    return None, skipped
