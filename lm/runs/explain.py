"""Why each stage of a run was reused or computed: what differs from the nearest earlier artifact, and what is stale.

Nothing of this is stored: an artifact's key is the hash of its stage's version, its config and its inputs, all of which
its manifest names but for the version, and that follows from the key.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from lm.errors import SlowburnError
from lm.runs.lineage import artifact_folders
from lm.runs.pruned import why_gone
from lm.runs.run_record import RunRecord, StageRecord, list_runs
from lm.stages import position, stage_names, stage_of
from lm.store.artifacts import Artifact, Manifest, Store
from lm.store.files import SCHEMA_VERSION
from lm.store.keys import version_behind

SHOWN_KEY = 8


class StageWhy(BaseModel, frozen=True):
    """Why one stage is as it is. `nearest` is the key of the earlier artifact that `differences` are told against."""

    stage: str
    key: str
    status: Literal["computed", "reused", "not in this run"]
    because: str
    nearest: str | None = None
    differences: tuple[str, ...] = ()
    stale: str = ""


class RunWhy(BaseModel, frozen=True):
    """Every stage of a run, and those after it that an earlier run has made."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    stages: tuple[StageWhy, ...]


class Made(NamedTuple):
    """What decides an artifact's key."""

    stage: str
    version: int | None  # None: not known
    config: Mapping[str, Any]
    inputs: Mapping[str, str]


def explain(store: Store, run: RunRecord) -> RunWhy:
    """Explain every stage of a run, and say what is stale by now."""
    newest = _newest(store, run.corpus)
    stages = [_explain_stage(store, name, record) for name, record in run.stages.items()]
    for name in stage_names():
        if name in newest and name not in run.stages:
            key, run_id = newest[name]
            because = f"run {run.run_id} did not reach it; the newest is of run {run_id}"
            stages.append(StageWhy(stage=name, key=key, status="not in this run", because=because))
    explained = [why.model_copy(update={"stale": _staleness(store, why.stage, why.key, newest)}) for why in stages]
    return RunWhy(run_id=run.run_id, stages=tuple(explained))


def nearest_difference(store: Store, made: Made, before: Artifact | None = None) -> tuple[str, list[str]] | None:
    """The earlier artifact that differs least, by its key, and how it differs; None where there is none.

    Earlier than the artifact `before`, or than now. Of several that differ as little, the newest.
    """
    found: tuple[str, list[str]] | None = None
    for artifact in _readable(store, made.stage):
        if before and (artifact.key == before.key or artifact.manifest.created > before.manifest.created):
            continue
        differences = list(_differences(_made(artifact.manifest), made))
        if differences and (found is None or len(differences) <= len(found[1])):
            found = artifact.key, differences
    return found


def why_new(store: Store, made: Made) -> str:
    """In a few words why an artifact that is not there must be made: what is new about it."""
    nearest = nearest_difference(store, made)
    if nearest is None:
        return f"the first {made.stage} here"
    key, differences = nearest
    more = f" and {len(differences) - 2} more" if len(differences) > 2 else ""
    return f"{', '.join(differences[:2])}{more} since {key[:SHOWN_KEY]}"


def made_by(runs: Iterable[RunRecord], stage: str, key: str) -> str | None:
    """The run that computed an artifact; None where its record is gone."""
    return next((run.run_id for run in runs if _computed(run, stage, key)), None)


def _explain_stage(store: Store, name: str, record: StageRecord) -> StageWhy:
    artifact, nearest = store.find(name, record.key), None
    if artifact is None:
        because = f"{record.reason}; {_gone(store, name, record.key)}"
    elif record.status == "reused":
        maker = made_by(list_runs(store), name, record.key) or "an earlier run"
        because = f"the same config, inputs and code version as the one made by {maker} on {artifact.manifest.created}"
    elif record.reason.startswith("damaged"):
        because = f"it was there, but {record.reason}"
    elif nearest := nearest_difference(store, _made(artifact.manifest), before=artifact):
        because = "no earlier one has the same config, inputs and code version"
    else:
        because = f"it was the first {name} here"
    key, differences = nearest or (None, [])
    return StageWhy(
        stage=name, key=record.key, status=record.status, because=because, nearest=key, differences=tuple(differences)
    )


def _gone(store: Store, stage: str, key: str) -> str:
    why = why_gone(store, stage, key) or "has been removed since"
    return f"its artifact {why}, so no more is known"


def _computed(run: RunRecord, stage: str, key: str) -> bool:
    record = run.stages.get(stage)
    return record is not None and record.key == key and record.status == "computed"


def _newest(store: Store, corpus: list[str]) -> dict[str, tuple[str, str]]:
    """For each stage the key that the newest run on this corpus came to, and that run."""
    newest: dict[str, tuple[str, str]] = {}
    for run in list_runs(store):
        if run.corpus == corpus:
            for name, record in run.stages.items():
                newest.setdefault(name, (record.key, run.run_id))
    return newest


def _staleness(store: Store, stage: str, key: str, newest: Mapping[str, tuple[str, str]]) -> str:
    """Whether something newer takes the place of this artifact, or of what it was made from; empty where not."""
    if stage in newest and newest[stage][0] != key:
        return f"replaced by {newest[stage][0]} of run {newest[stage][1]}"
    for before, its_key in _ancestors(store, stage, key):
        if before in newest and newest[before][0] != its_key:
            replaced, run_id = newest[before]
            return f"made from {before} {its_key[:SHOWN_KEY]}, which {replaced[:SHOWN_KEY]} of run {run_id} replaces"
    return ""


def _ancestors(store: Store, stage: str, key: str) -> list[tuple[str, str]]:
    """Stage and key of all that an artifact was made from, the nearest stages first."""
    found, waiting = dict[str, str](), [(stage, key)]
    while waiting:
        artifact = store.find(*waiting.pop())
        for name, its_key in artifact.manifest.inputs.items() if artifact else ():
            if name in stage_names() and name not in found:
                found[name] = its_key
                waiting.append((name, its_key))
    return sorted(found.items(), key=lambda item: -position(item[0]))


def _readable(store: Store, stage: str) -> Iterator[Artifact]:
    """Artifacts of a stage whose manifest can be read, oldest first."""
    found = []
    for folder in artifact_folders(store, stage):
        try:
            found.append(store.open(folder))
        except SlowburnError:
            continue  # `verify` names it
    yield from sorted(found, key=lambda artifact: (artifact.manifest.created, artifact.key))


def _made(manifest: Manifest) -> Made:
    version = version_behind(manifest.key, manifest.stage, manifest.config, manifest.inputs)
    return Made(manifest.stage, version, manifest.config, manifest.inputs)


def _differences(earlier: Made, later: Made) -> Iterator[str]:
    """How the later one differs from the earlier, a few words each: code, inputs, settings."""
    if earlier.version and later.version and earlier.version != later.version:
        yield f"code version {earlier.version} → {later.version}"
    if later.stage == "download":
        yield from _changed_files(earlier.inputs, later.inputs)
        return
    for name in sorted({*earlier.inputs, *later.inputs}):
        before, after = earlier.inputs.get(name), later.inputs.get(name)
        if before != after:
            yield f"{stage_of(name)} {_short(before)} → {_short(after)}"
    for name in sorted({*earlier.config, *later.config}):
        before, after = earlier.config.get(name), later.config.get(name)
        if before != after:
            yield f"{later.stage}.{name} {_short(before)} → {_short(after)}"


def _changed_files(earlier: Mapping[str, str], later: Mapping[str, str]) -> Iterator[str]:
    """Which sources came, went or changed, by their names without their numbers."""
    before, after = ({name.partition("-")[2]: value for name, value in files.items()} for files in (earlier, later))
    for words, names in (
        ("new", after.keys() - before.keys()),
        ("gone", before.keys() - after.keys()),
        ("changed", {name for name in after.keys() & before.keys() if after[name] != before[name]}),
    ):
        if names:
            yield f"{words}: {', '.join(sorted(names)[:3])}{' …' * (len(names) > 3)}"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    is_key = len(text) == 16 and all(letter in "0123456789abcdef" for letter in text)
    return text[:SHOWN_KEY] if is_key else text if len(text) <= 40 else f"{text[:39]}…"
