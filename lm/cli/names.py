"""How a command finds the model that it is about."""

import sys
from typing import Any

import click

from lm.champions.champion import default_model
from lm.errors import BadInput
from lm.runs.find import find
from lm.runs.pruned import why_gone
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Artifact, Store
from lm.store.integrity import check


def model_argument(function: Any) -> Any:
    """Declare which model is meant."""
    return click.argument("name", required=False, metavar="[MODEL]")(function)


def named_model(store: Store, name: str | None) -> Artifact:
    """The named model, or the model of the named run; without a name the champion, else the newest.

    Raises BadInput, with near names, when there is none, and Damaged where it is not what was written.
    """
    model = default_model(store, lambda note: print(note, file=sys.stderr)) if name is None else _named(store, name)
    check(model)
    return model


def _named(store: Store, name: str) -> Artifact:
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
        if not store.path(stage, record.key).exists() and (why := why_gone(store, stage, record.key)):
            raise BadInput(f"the {noun} of run {found.run_id} {why}")
        return store.open(store.root / record.path)
    if found.manifest.stage == stage:
        return found
    raise BadInput(f"{found.key} is an artifact of {found.manifest.stage}, expected the {noun}, or a run that has one")
