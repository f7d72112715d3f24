"""The champion: the promoted model that `generate` and the retraining gate use, and every decision about it so far.

`artifacts/champion.json` holds both, and `champion.copy.json` once more. The decisions are only ever added to; which
model is champion, and whom a rollback brings back, follows from them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, PrivateAttr

from lm.champions.contest import Contest
from lm.errors import BadInput, Damaged, SlowburnError
from lm.runs.run_record import list_runs
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION, Moment, locked, move, now, read_record, write_record

CHAMPION_FILE, COPY_FILE, DAMAGED_FILE = "champion.json", "champion.copy.json", "champion.damaged.json"
LOCK_SECONDS = 15.0

Action = Literal["promoted", "kept", "rolled back"]


class Decision(BaseModel, frozen=True):
    """What was decided about the champion, when, and on which numbers."""

    decided: Moment  # UTC, RFC 3339
    action: Action
    champion: str | None  # key of the champion from then on
    previous: str | None  # key of the champion before
    challenger: str | None = None  # key of the model that was considered
    run_id: str | None = None
    reason: str
    contest: Contest | None = None  # the numbers


class ChampionRecord(BaseModel, frozen=True, extra="forbid"):
    """The content of `champion.json`."""

    schema_version: int = SCHEMA_VERSION
    champion: str | None = None  # key of the model
    decisions: tuple[Decision, ...] = ()  # the newest last
    _warning: str = PrivateAttr("")

    @property
    def warning(self) -> str:
        """That this is the copy, and why; nothing where it is not."""
        return self._warning

    @property
    def reign(self) -> list[str]:
        """The champions that were not rolled back, oldest first; the last one is the champion."""
        reign: list[str] = []
        for decision in self.decisions:
            if decision.action == "promoted" and decision.champion:
                reign.append(decision.champion)
            elif decision.action == "rolled back":
                while reign and reign[-1] != decision.champion:
                    reign.pop()
        return reign


def champion_path(store: Store) -> Path:
    """Where the champion's record is."""
    return store.root / "artifacts" / CHAMPION_FILE


def copy_path(store: Store) -> Path:
    """Where the record is once more."""
    return store.root / "artifacts" / COPY_FILE


def load_champion(store: Store) -> ChampionRecord:
    """Read the record; an empty one where there is none, its copy, with a warning, where it is damaged.

    Raises SlowburnError when the copy is no better.
    """
    path, copy = champion_path(store), copy_path(store)
    if not path.exists() and not copy.exists():
        return ChampionRecord()
    try:
        return read_record(path, ChampionRecord, "put back a copy of your own; moved away, its decisions are forgotten")
    except Damaged as error:
        return _from_copy(copy, error)


def _from_copy(copy: Path, error: Damaged) -> ChampionRecord:
    try:
        record = read_record(copy, ChampionRecord)
    except SlowburnError:
        raise error from None
    problem, _, _ = str(error).rpartition(": ")
    last = f", the last of {record.decisions[-1].decided}" if record.decisions else ""
    record._warning = f"{problem}: {copy} is used instead, with {len(record.decisions)} decisions{last}"
    return record


def find_champion(store: Store) -> Artifact | None:
    """The champion's model; None where there is no champion, or its folder is gone."""
    key = load_champion(store).champion
    return store.find("train", key) if key else None


def default_model(store: Store, tell: Callable[[str], object]) -> Artifact:
    """The model to use where none is named: the champion, else the newest. Raises BadInput where there is none.

    A model trained for the spread between seeds is never the newest. `tell` is given a line where that may surprise.
    """
    runs = list_runs(store)
    main, all_seeds = {key for run in runs for key in run.models[:1]}, {key for run in runs for key in run.models}
    models = [model for model in store.list("train") if model.key not in all_seeds - main]
    if not models:
        raise BadInput("there is no model yet: `make run` trains one")
    record = load_champion(store)
    if record.warning:
        tell(record.warning)
    newest, key = models[-1], record.champion
    if key is None:
        return newest
    champion = next((model for model in models if model.key == key), None)
    if champion is None:
        tell(f"the champion {key} has been removed: using the newest model {newest.key}")
        return newest
    if newest.key != key:
        tell(f"using the champion {key}; the newest model is {newest.key}")
    return champion


def promote(
    store: Store, model: str, reason: str, *, run_id: str | None = None, contest: Contest | None = None
) -> Decision:
    """Make the model of this key the champion. Raises BadInput where it is that already."""
    with _deciding(store) as record:
        if record.champion == model:
            raise BadInput(f"{model} is the champion already")
        return _add(store, record, "promoted", model, reason, challenger=model, run_id=run_id, contest=contest)


def keep(
    store: Store,
    reason: str,
    *,
    challenger: str | None = None,
    run_id: str | None = None,
    contest: Contest | None = None,
) -> Decision:
    """Record that the champion stays."""
    with _deciding(store) as record:
        champion = record.champion
        return _add(store, record, "kept", champion, reason, challenger=challenger, run_id=run_id, contest=contest)


def roll_back(store: Store, reason: str) -> Decision:
    """Bring back the champion before this one whose model is still there. Raises BadInput where there is none."""
    with _deciding(store) as record:
        there = {model.key for model in store.list("train") if not store.why_missing("train", model.key)}
        former = [key for key in record.reign[:-1] if key in there]
        if not former:
            raise BadInput(
                "there is no earlier champion to go back to: `slowburn promote NAME` makes any model the champion"
            )
        return _add(store, record, "rolled back", former[-1], reason, challenger=record.champion)


@contextmanager
def _deciding(store: Store) -> Iterator[ChampionRecord]:
    """The record, while nobody else may change it."""
    path = champion_path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    busy = "another process is deciding about the champion; wait for it, then run this again"
    with locked(path.with_name(f".{CHAMPION_FILE}.lock"), LOCK_SECONDS, busy):
        yield load_champion(store)


def _add(
    store: Store, record: ChampionRecord, action: Action, champion: str | None, reason: str, **details: Any
) -> Decision:
    decision = Decision(
        decided=now(),
        action=action,
        champion=champion,
        previous=record.champion,
        reason=reason,
        **details,
    )
    changed = ChampionRecord(champion=champion, decisions=(*record.decisions, decision))
    path = champion_path(store)
    if record.warning and path.exists():
        move(path, path.with_name(DAMAGED_FILE))
    for file in (path, copy_path(store)):
        write_record(file, changed.model_dump(mode="json"))
    return decision
