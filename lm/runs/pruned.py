"""`pruned.json`: which artifacts were removed to save disk, and when; a run's record still tells how to make them."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lm.errors import SlowburnError
from lm.runs.run_record import RunRecord, list_runs
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, locked, now, read_json, write_record

LOCK_TIMEOUT_SECONDS = 15.0


class Pruned(BaseModel):
    """One artifact that was removed to save disk."""

    model_config = ConfigDict(frozen=True)

    stage: str
    key: str
    pruned: str  # when; UTC, RFC 3339
    bytes: int

    @property
    def day(self) -> str:
        """The day on which it went."""
        return self.pruned.partition("T")[0]


class PrunedRecord(BaseModel):
    """All that was removed and was not made again, the oldest first."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    artifacts: tuple[Pruned, ...] = ()


def load_pruned(store: Store) -> dict[tuple[str, str], Pruned]:
    """What was pruned, by stage and key. Empty where the record cannot be read: it is a courtesy."""
    try:
        found = PrunedRecord.model_validate(read_json(_path(store))) if _path(store).exists() else PrunedRecord()
    except (SlowburnError, ValidationError):
        return {}
    return {(each.stage, each.key): each for each in found.artifacts}


def note_pruned(store: Store, gone: Iterable[tuple[str, str, int]]) -> None:
    """Keep stage, key and size of artifacts that were just removed."""
    path, moment = _path(store), now()
    with locked(path.with_suffix(".lock"), LOCK_TIMEOUT_SECONDS, f"another process writes {path}: try again"):
        known = {name: each for name, each in load_pruned(store).items() if not store.path(*name).exists()}
        for stage, key, size in gone:
            known[stage, key] = Pruned(stage=stage, key=key, pruned=moment, bytes=size)
        write_record(path, PrunedRecord(artifacts=tuple(known.values())).model_dump(mode="json"))


def pruned_of(store: Store, run: RunRecord) -> dict[str, Pruned]:
    """What was pruned of a run, by stage, the further seeds' with it."""
    known, made = load_pruned(store), ((stage, record.key) for stage, record in run.every_stage())
    return {name[0]: known[name] for name in made if name in known and not store.path(*name).exists()}


def why_gone(store: Store, stage: str, key: str) -> str:
    """Say that an artifact was pruned, when, and how it is made again; empty where it was not pruned."""
    found = load_pruned(store).get((stage, key))
    if found is None:
        return ""
    makers = [run for run in list_runs(store) if (stage, key) in [(name, each.key) for name, each in run.every_stage()]]
    again = f": `{remake(makers[0])}` makes it again" if makers else ""
    return f"was pruned on {found.day} to save disk{again}"


def remake(run: RunRecord) -> str:
    """The command that makes again what a run came to."""
    return f"slowburn run --like {run.run_id}"


def _path(store: Store) -> Path:
    return store.root / "artifacts" / "pruned.json"
