"""Whether everything still holds what was written: every file of the artifacts, and every record beside them."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from lm.download.stage import is_key_of
from lm.errors import NoAccess, SlowburnError
from lm.inspection.damage import Damage, command_of, damage, not_damaged
from lm.inspection.verify_records import record_damages, records
from lm.runs.find import find
from lm.runs.lineage import all_artifacts
from lm.runs.run_record import RunRecord
from lm.stages import DOWNLOAD, stage_names
from lm.store.artifacts import ROOT_VARIABLE, Artifact, Store
from lm.store.files import SCHEMA_VERSION
from lm.store.integrity import ADDED, NO_ACCESS, NO_ANSWER, file_damages
from lm.store.keys import version_behind
from lm.text.raw_sources import read_sources

OTHER_KEY = "its key does not follow from the config and the inputs that it names"


class Verification(BaseModel, frozen=True):
    """What was looked at, and what was found damaged."""

    schema_version: int = SCHEMA_VERSION
    artifacts: int
    files: int
    bytes: int
    records: int = 0  # beside the artifacts
    damages: tuple[Damage, ...]


def verify(store: Store, name: str | None = None) -> Verification:
    """Hash every file of one artifact, of all artifacts of one run, or (without a name) of all there are.

    Without a name the records of runs, plans and the champion are looked at too. Raises BadInput for a name that
    nothing has, and SlowburnError where the root is not there.
    """
    if not store.root.is_dir():
        raise SlowburnError(
            f"there is no folder {store.root}: set {ROOT_VARIABLE} to the one that holds data/ and artifacts/"
        )
    damages, looked_at = list[Damage](), 0
    if name is None:
        artifacts = list(all_artifacts(store))
        damages = [*_without_manifest(store), *record_damages(store)]
        looked_at = len(records(store))
    else:
        found = find(store, name)
        artifacts = [found] if isinstance(found, Artifact) else _of_run(store, found, damages)
    for artifact in artifacts:
        damages += _damages(store, artifact)
    sizes = [file.bytes for artifact in artifacts for file in artifact.manifest.outputs.values()]
    return Verification(
        artifacts=len(artifacts), files=len(sizes), bytes=sum(sizes), records=looked_at, damages=tuple(damages)
    )


def _damages(store: Store, artifact: Artifact) -> Iterator[Damage]:
    if problem := _key_problem(store, artifact):
        again = command_of(store, artifact.key)
        yield damage(store, artifact.path / "manifest.json", problem, again, removed=artifact.path)
    for name, what in file_damages(artifact):
        path = artifact.path / name
        if what in (NO_ACCESS, NO_ANSWER):
            yield not_damaged(store, path)
        elif what == ADDED:
            yield damage(store, path, what, f"slowburn verify {artifact.key}")
        else:
            yield damage(store, path, what, command_of(store, artifact.key), removed=artifact.path)


def _key_problem(store: Store, artifact: Artifact) -> str:
    """What is wrong with an artifact's key: it is the hash of what its manifest names, and the name of its folder."""
    manifest, folder = artifact.manifest, artifact.path
    if folder.name != manifest.key:
        return f"is that of {manifest.key}"
    if manifest.stage not in stage_names() or folder.parent != store.folder(manifest.stage):
        return f"is that of an artifact of {manifest.stage}"
    if manifest.stage == DOWNLOAD.name:
        return "" if _is_key_of_sources(artifact) else OTHER_KEY
    return "" if version_behind(manifest.key, manifest.stage, manifest.config, manifest.inputs) else OTHER_KEY


def _is_key_of_sources(artifact: Artifact) -> bool:
    """Whether the key of raw files follows from their list."""
    try:
        sources = read_sources(artifact.path)
    except SlowburnError:
        return True  # that the list is damaged is told of its file
    names_files = artifact.manifest.inputs == {source.path: source.sha256 for source in sources}
    return names_files and is_key_of(artifact.key, sources)


def _of_run(store: Store, run: RunRecord, damages: list[Damage]) -> list[Artifact]:
    artifacts = []
    for name, stage in run.every_stage():
        if opened := _opened(store, store.path(name, stage.key), damages):
            artifacts.append(opened)
    return artifacts


def _without_manifest(store: Store) -> list[Damage]:
    """Folders of artifacts that have no manifest, or one that cannot be read."""
    damages = list[Damage]()
    for stage in stage_names():
        for path in sorted(store.folder(stage).glob("[!.]*/")):
            _opened(store, path, damages)
    return damages


def _opened(store: Store, path: Path, damages: list[Damage]) -> Artifact | None:
    """An artifact; what is wrong with its manifest goes to `damages`."""
    manifest = path / "manifest.json"
    try:
        return store.open(path)
    except NoAccess as error:
        damages.append(not_damaged(store, manifest, error))
    except SlowburnError as error:
        what = str(error).removeprefix(f"{manifest} ").rpartition(": ")[0]
        damages.append(damage(store, manifest, what, command_of(store, path.name), removed=path))
    return None
