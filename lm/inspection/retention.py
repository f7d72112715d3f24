"""What may go when the disk budget is exceeded: the artifacts unused for longest, and never what a champion rests on.

Kept whatever the budget says: the champion and the champions that a rollback may bring back, with all that they were
made from; everything of the newest runs, of runs that are going on and of the newest model; what was made since a run
began that is going on; what another process is at work on. Each removal is a rename, then a deletion: an artifact is
there whole or not at all. What cleaning keeps of each source counts too, and goes like an artifact that nothing rests
on.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field

from lm.champions.champion import load_champion
from lm.config import StageConfig
from lm.errors import Damaged
from lm.inspection.in_use import InUse
from lm.runs.claims import claiming
from lm.runs.earlier_text import EARLIER
from lm.runs.lineage import all_artifacts
from lm.runs.pruned import note_pruned
from lm.runs.run_record import RunRecord, list_runs
from lm.stages import position, stage_names, stage_of
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION, move

UNFINISHED_DAYS = 14.0  # of an unfinished training that nobody has gone on with
DAY_SECONDS = 86_400.0
ASIDE = ".pruned"
PACK = "parts"
PACK_REST_DAYS = 1 / 24  # a pack of parts that was used since may be read right now


class RetentionPolicy(StageConfig):
    """How much disk the artifacts may take, and how much history is kept whatever that is."""

    disk_bytes: int = Field(gt=0, description="bytes that all artifacts together may take")
    runs: int = Field(3, ge=1, description="newest runs of which everything is kept")
    champions: int = Field(3, ge=1, description="champions of which everything is kept, the present one included")


class Removal(BaseModel, frozen=True):
    """One artifact that goes, an unfinished training, or a pack of cleaned parts."""

    stage: str
    key: str
    path: str  # relative to the root
    bytes: int
    last_used: str  # when the newest run that needed it began, else when it was made; UTC, RFC 3339
    made: str  # or, of what is unfinished and of packs, last used
    unfinished: bool = False
    run_id: str | None = None  # of the newest run that needed it


class Pruning(BaseModel, frozen=True):
    """What would go, and what is there: nothing is removed by making one."""

    schema_version: int = SCHEMA_VERSION
    disk_bytes: int
    bytes_before: int
    bytes_after: int
    kept: int  # artifacts that stay
    protected: int  # of them, those that stay whatever the budget is
    removals: tuple[Removal, ...]

    @property
    def sentence(self) -> str:
        """What it comes to, for a log."""
        from lm.formatting import format_bytes  # psutil: not for readers of the policy

        there = f"{format_bytes(self.bytes_before)} of artifacts, {format_bytes(self.disk_bytes)} are allowed"
        if not self.removals:
            more = "" if self.bytes_before <= self.disk_bytes else ", but all of it is protected"
            return f"nothing to remove: {there}{more}"
        freed = format_bytes(self.bytes_before - self.bytes_after)
        short = self.bytes_after > self.disk_bytes
        more = f"; the {format_bytes(self.bytes_after)} left are protected" if short else ""
        return f"{len(self.removals)} to remove, {freed}: {there}{more}"


def plan_pruning(store: Store, policy: RetentionPolicy) -> Pruning:
    """Choose what goes, the unused for longest first, until the rest fits the budget.

    Raises SlowburnError where it cannot be known for certain who the champion is.
    """
    artifacts = {(artifact.manifest.stage, artifact.key): artifact for artifact in all_artifacts(store)}
    runs = list_runs(store)
    in_use = InUse.now(store)
    protected = _protected(store, artifacts, runs, in_use, policy)
    users = _newest_users(artifacts, runs)
    sizes = {name: _disk_bytes(artifact.path) for name, artifact in artifacts.items()}
    unfinished, packs = list(_unfinished(store)), list(_packs(store))
    total = sum(sizes.values()) + sum(removal.bytes for removal in [*unfinished, *packs])
    left, removals = total, list[Removal]()
    candidates = [
        Removal(
            stage=name[0],
            key=name[1],
            path=artifact.path.relative_to(store.root).as_posix(),
            bytes=sizes[name],
            last_used=max(artifact.manifest.created, users[name].started if name in users else ""),
            made=artifact.manifest.created,
            run_id=users[name].run_id if name in users else None,
        )
        for name, artifact in artifacts.items()
        if name not in protected
    ]
    stale = [removal for removal in unfinished if _age_days(removal.last_used) > UNFINISHED_DAYS]
    stale += [removal for removal in packs if _age_days(removal.last_used) > PACK_REST_DAYS]
    stale = [removal for removal in stale if not in_use.holds(removal.key, removal.made)]
    for removal in sorted([*stale, *candidates], key=_order):
        if left <= policy.disk_bytes:
            break
        removals.append(removal)
        left -= removal.bytes
    return Pruning(
        disk_bytes=policy.disk_bytes,
        bytes_before=total,
        bytes_after=left,
        kept=len(artifacts) - sum((removal.stage, removal.key) in artifacts for removal in removals),
        protected=len(protected),
        removals=tuple(removals),
    )


def prune(store: Store, pruning: Pruning) -> list[Removal]:
    """Remove what was chosen, but for what a run uses by now or makes; returns what is gone."""
    gone = []
    with claiming(store):
        in_use = InUse.now(store)
        for removal in pruning.removals:
            if not in_use.holds(removal.key, removal.made) and _take_away(store, removal):
                gone.append(removal)
    for stage in stage_names():
        for aside in store.folder(stage).glob(f".*{ASIDE}"):
            shutil.rmtree(aside, ignore_errors=True)
    noted = [(each.stage, each.key, each.bytes) for each in gone if each.stage != PACK and not each.unfinished]
    if noted:
        note_pruned(store, noted)
    return gone


def _take_away(store: Store, removal: Removal) -> bool:
    """Take one thing out of the way; False where another process is at work on it."""
    path = store.root / removal.path
    if removal.stage == PACK:
        with suppress(PermissionError):  # Windows: somebody reads it
            path.unlink(missing_ok=True)
            return True
        return False
    with _locked(store, removal) as ours:
        if not ours or not path.exists():
            return False
        aside = path.with_name(f".{removal.key}{ASIDE}")
        shutil.rmtree(aside, ignore_errors=True)
        move(path, aside)
    return True


def _protected(
    store: Store,
    artifacts: dict[tuple[str, str], Artifact],
    runs: list[RunRecord],
    in_use: InUse,
    policy: RetentionPolicy,
) -> set[tuple[str, str]]:
    """Stage and key of all that stays whatever the budget is."""
    record = load_champion(store)
    if record.warning:
        raise Damaged(f"{record.warning}: `slowburn verify` says how to put it back; then run this again")
    wanted = [("train", key) for key in record.reign[-policy.champions :]]
    wanted += [("train", model.key) for model in store.list("train")[-1:]]
    for run in runs[: policy.runs]:
        wanted += [(name, stage.key) for name, stage in run.every_stage()]
    wanted += [name for name, found in artifacts.items() if in_use.holds(found.key, found.manifest.created)]
    protected = set[tuple[str, str]]()
    while wanted:
        name = wanted.pop()
        if name in artifacts and name not in protected:
            protected.add(name)
            inputs = artifacts[name].manifest.inputs.items()
            wanted += [(stage_of(role), key) for role, key in inputs if role != EARLIER]
    evaluations = [name for name, artifact in artifacts.items() if name[0] == "evaluate"]
    protected |= {name for name in evaluations if ("train", artifacts[name].manifest.inputs.get("train")) in protected}
    return protected


def _newest_users(
    artifacts: dict[tuple[str, str], Artifact], runs: Iterable[RunRecord]
) -> dict[tuple[str, str], RunRecord]:
    """The newest run that needed each artifact; `runs` has the newest first."""
    users: dict[tuple[str, str], RunRecord] = {}
    for run in runs:
        for stage, record in run.every_stage():
            if (stage, record.key) in artifacts:
                users.setdefault((stage, record.key), run)
    return users


def _unfinished(store: Store) -> Iterator[Removal]:
    """Unfinished artifacts, such as a training with its checkpoints."""
    for stage in stage_names():
        for partial in store.folder(stage).glob(".*.partial"):
            touched = max((path.stat().st_mtime for path in (partial, *partial.rglob("*"))), default=0.0)
            yield Removal(
                stage=stage,
                key=partial.name.removeprefix(".").removesuffix(".partial"),
                path=partial.relative_to(store.root).as_posix(),
                bytes=_disk_bytes(partial),
                last_used=_moment(touched),
                made=_moment(touched),
                unfinished=True,
            )


def _packs(store: Store) -> Iterator[Removal]:
    """What cleaning keeps of each source; the files' times say when it was last used."""
    for path in store.parts.glob("[!.]*.parquet"):
        found = path.stat()
        relative = path.relative_to(store.root).as_posix()
        moment = _moment(found.st_mtime)
        yield Removal(stage=PACK, key=path.stem, path=relative, bytes=found.st_size, last_used=moment, made=moment)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _order(removal: Removal) -> tuple[str, int, str]:
    """The unused for longest first; of one run what came last, so that nothing is left without its origin."""
    return removal.last_used, -position(removal.stage) if removal.stage in stage_names() else 1, removal.key


def _age_days(moment: str) -> float:
    return (time.time() - datetime.fromisoformat(moment).timestamp()) / DAY_SECONDS


def _disk_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def _locked(store: Store, removal: Removal) -> Iterator[bool]:
    """Hold the lock of an artifact's making; False where another process does."""
    lock = FileLock(store.folder(removal.stage) / f".{removal.key}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
