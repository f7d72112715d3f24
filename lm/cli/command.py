"""What every command of `python -m lm` is made of, and how a command finds the model that it is about."""

import argparse
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from lm.champions.champion import default_model
from lm.errors import BadInput
from lm.runs.find import find
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Artifact, Store


class Command(NamedTuple):
    """What one word after `python -m lm` does: `declare` adds its options, `work` does it and returns the exit code.

    `work` may raise SlowburnError: its one line goes to stderr.
    """

    help: str
    declare: Callable[[argparse.ArgumentParser], Any]
    work: Callable[[argparse.Namespace], int]


def add_model_name(parser: argparse.ArgumentParser) -> None:
    """Let the user say which model is meant."""
    parser.add_argument(
        "name", nargs="?", help="a model: run id, key or path; the champion where none is given, else the newest"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the user ask for JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def named_model(store: Store, name: str | None) -> Artifact:
    """The named model, or the model of the named run; without a name the champion, else the newest.

    Raises BadInput, with near names, when there is none.
    """
    if name is None:
        return default_model(store, lambda note: print(note, file=sys.stderr))
    found = find(store, name)
    return found if isinstance(found, Artifact) and found.manifest.stage == "train" else stage_of(store, found, "train")


def stage_of(store: Store, found: Artifact | RunRecord, stage: str) -> Artifact:
    """The artifact of `stage` that a run made, or that an artifact is or was made from.

    Raises BadInput when there is none.
    """
    noun = {"train": "model"}.get(stage, f"artifact of {stage}")
    if isinstance(found, RunRecord):
        record = found.stages.get(stage)
        if record is None:
            raise BadInput(f"run {found.run_id} has no {noun}: it was {found.status} before {stage} was complete")
        return store.open(store.root / record.path)
    if found.manifest.stage == stage:
        return found
    raise BadInput(f"{found.key} is an artifact of {found.manifest.stage}, expected the {noun}, or a run that has one")
