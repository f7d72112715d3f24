"""The two files of a checkpoint, looked at without torch."""

from pathlib import Path
from typing import Any

from lm.errors import Damaged, NoAccess, SlowburnError
from lm.store.files import read_json, sha256_of

FIELDS = {"step", "bytes", "sha256", "facts"}


def tensors_of(record: Path) -> Path:
    """The file of a checkpoint's tensors."""
    return record.with_suffix(".safetensors")


def step_of(record: Path) -> int:
    """The step that a checkpoint was taken after."""
    return int(record.stem.removeprefix("step-"))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read the record of a checkpoint. Raises Damaged where it, or the tensors, are not what was written; NoAccess."""
    tensors, repair = tensors_of(path), "training goes on from the one before"
    try:
        record = read_json(path)
    except NoAccess:  # it may be whole: whoever owns it is asked first
        raise
    except SlowburnError:
        raise Damaged(f"{path} does not hold what was written: {repair}") from None
    if record.keys() != FIELDS or record["step"] != step_of(path) or not isinstance(record["facts"], dict):
        raise Damaged(f"{path} is no record of this checkpoint: {repair}")
    if not tensors.is_file():
        raise Damaged(f"{tensors} is missing: {repair}")
    if sha256_of(tensors) != record["sha256"]:
        raise Damaged(f"{tensors} does not hold what was written: {repair}")
    return record
