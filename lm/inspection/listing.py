"""What there is: runs and artifacts, what each was made from and into, and whether its bytes are still the same.

Everything returned is a pydantic model: `model_dump(mode="json")` is what `--json` prints, `inspect_tables` is what
people read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from lm.champions.champion import load_champion
from lm.errors import SlowburnError
from lm.inspection.parquet_head import Head, parquet_head
from lm.runs.find import find
from lm.runs.lineage import Lineage, all_artifacts, artifact_folders, made_from, made_into
from lm.runs.pruned import pruned_of, remake
from lm.runs.run_record import REPORT_FILE, RunRecord, list_runs, run_folder
from lm.stages import headline, position, stage_names
from lm.store.artifacts import Manifest, Store
from lm.store.files import SCHEMA_VERSION


class Entry(BaseModel, frozen=True):
    """One line of the list: a run, an artifact, or one that is unfinished or damaged."""

    kind: Literal["run", "artifact"]
    name: str  # run id or key
    stage: str  # of an artifact; empty for a run
    created: str
    status: str
    bytes: int
    headline: str
    path: str  # relative to the root
    is_champion: bool = False  # of a run: whether it came to the champion
    bits_per_byte: float | None = None  # of a run: what its evaluation came to
    about: str = ""  # of a run: the headline without its result
    pruned: bool = False  # of a run: whether something of it was removed to save disk


class Listing(BaseModel, frozen=True):
    """Runs and artifacts, each newest first."""

    schema_version: int = SCHEMA_VERSION
    runs: tuple[Entry, ...]
    artifacts: tuple[Entry, ...]


class ArtifactView(BaseModel, frozen=True):
    """All there is to know of one artifact."""

    schema_version: int = SCHEMA_VERSION
    path: str
    bytes: int
    manifest: Manifest
    made_from: tuple[Lineage, ...]
    made_into: tuple[Lineage, ...]
    used_by_runs: tuple[str, ...]
    heads: dict[str, Head]  # of its parquet files


class RunView(BaseModel, frozen=True):
    """One run, and where its report is."""

    schema_version: int = SCHEMA_VERSION
    path: str
    report: str | None
    report_link: str = ""  # as a browser takes it
    run: RunRecord
    headlines: dict[str, str] = {}  # what each stage came to; empty where its artifact is gone or damaged
    pruned: dict[str, str] = {}  # the day on which the artifact of a stage was removed to save disk
    remake: str = ""  # the command that makes again what was removed


def list_all(store: Store) -> Listing:
    """List every run and every artifact, the unfinished and the damaged too."""
    champion = _champion(store)
    artifacts = [entry for stage in stage_names() for entry in _entries(store, stage)]
    artifacts = [entry.model_copy(update={"is_champion": entry.name == champion}) for entry in artifacts]
    return Listing(
        runs=tuple(_run_entry(store, run, champion) for run in list_runs(store)),
        artifacts=tuple(sorted(artifacts, key=_age, reverse=True)),
    )


def show(store: Store, name: str) -> ArtifactView | RunView:
    """Show the run or artifact called `name`: a run id, a key, the beginning of either, or a path.

    Raises BadInput, with near names, when there is none or more than one.
    """
    found = find(store, name)
    if isinstance(found, RunRecord):
        folder = run_folder(store, found.run_id)
        report = folder / REPORT_FILE
        pruned = {stage: each.day for stage, each in pruned_of(store, found).items()}
        return RunView(
            path=_relative(store, folder),
            report=_relative(store, report) if report.exists() else None,
            report_link=report.absolute().as_uri() if report.exists() else "",
            run=found,
            headlines={stage: _headline(store, stage, record.key) for stage, record in found.stages.items()},
            pruned=pruned,
            remake=remake(found) if pruned else "",
        )
    artifacts = {artifact.key: artifact for artifact in all_artifacts(store)}
    return ArtifactView(
        path=_relative(store, found.path),
        bytes=_size(found.manifest),
        manifest=found.manifest,
        made_from=made_from(found, artifacts),
        made_into=made_into(found, artifacts),
        used_by_runs=tuple(
            run.run_id for run in list_runs(store) if any(stage.key == found.key for _, stage in run.every_stage())
        ),
        heads={
            file: parquet_head(found.path / file)
            for file in found.manifest.outputs
            if file.endswith(".parquet") and (found.path / file).is_file()
        },
    )


def _entries(store: Store, stage: str) -> Iterator[Entry]:
    for folder in artifact_folders(store, stage):
        try:
            manifest = store.open(folder).manifest
        except SlowburnError as error:
            yield _artifact_entry(store, stage, folder, status="damaged", headline=str(error))
        else:
            why = store.why_missing(stage, manifest.key) or ""
            yield _artifact_entry(
                store,
                stage,
                folder,
                status="damaged" if why else "complete",
                headline=why or headline(manifest),
                created=manifest.created,
                size=_size(manifest),
            )
    for partial in store.folder(stage).glob(".*.partial"):
        steps = [int(path.stem.removeprefix("step-")) for path in partial.glob("checkpoints/step-*.json")]
        yield _artifact_entry(
            store, stage, partial, status="unfinished", headline=f"saved at step {max(steps):,}" if steps else ""
        )


def _artifact_entry(
    store: Store, stage: str, folder: Path, *, status: str, headline: str, created: str = "", size: int = 0
) -> Entry:
    return Entry(
        kind="artifact",
        name=folder.name.removeprefix(".").removesuffix(".partial"),
        stage=stage,
        created=created,
        status=status,
        bytes=size,
        headline=headline,
        path=_relative(store, folder),
    )


def _champion(store: Store) -> str | None:
    """The champion's key; None where there is none, or its record cannot be read: `champion` tells of that."""
    try:
        return load_champion(store).champion
    except SlowburnError:
        return None


def _run_entry(store: Store, run: RunRecord, champion: str | None) -> Entry:
    folder = run_folder(store, run.run_id)
    corpus, bits = ", ".join(run.corpus), _bits_per_byte(store, run)
    result = [] if bits is None else [f"{bits:.3f} bits per byte"]
    reason = [run.reason] if run.status in ("stopped", "failed") and run.reason else []
    return Entry(
        kind="run",
        name=run.run_id,
        stage="",
        created=run.started,
        status="reused" if run.reused else run.status,
        bytes=sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        headline=", ".join([corpus, *result, *reason]),
        about=", ".join([corpus, *reason]),
        path=_relative(store, folder),
        is_champion=champion is not None and "train" in run.stages and run.stages["train"].key == champion,
        bits_per_byte=bits,
        pruned=bool(pruned_of(store, run)),
    )


def _bits_per_byte(store: Store, run: RunRecord) -> float | None:
    """What the evaluation of a run came to; None where it is not there or cannot be read."""
    if "evaluate" not in run.stages:
        return None
    try:
        found = store.open(store.path("evaluate", run.stages["evaluate"].key)).manifest.metrics.get("bits_per_byte")
    except SlowburnError:
        return None
    return found if isinstance(found, float) else None


def _headline(store: Store, stage: str, key: str) -> str:
    try:
        artifact = store.find(stage, key)
    except SlowburnError:
        return ""
    return headline(artifact.manifest) if artifact else ""


def _age(entry: Entry) -> tuple[str, int, str]:
    """Within one second, a later stage is the newer one."""
    return entry.created, position(entry.stage), entry.name


def _relative(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()


def _size(manifest: Manifest) -> int:
    return sum(file.bytes for file in manifest.outputs.values())
