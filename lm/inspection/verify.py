"""Whether artifacts still hold the bytes that were written: every file is hashed again."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lm.errors import NoAccess, SlowburnError
from lm.runs.find import find
from lm.runs.lineage import all_artifacts, artifact_folders
from lm.runs.run_record import RUN_FILE, RunRecord, list_runs, open_run
from lm.stages import stage_names
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION, sha256_of

REMAKE = "slowburn run"
NO_ACCESS = "may not be read by this user; its owner can change that"


class Damage(BaseModel):
    """A file that is not what was written, or cannot be seen to be, and the command that mends that."""

    model_config = ConfigDict(frozen=True)

    path: str  # relative to the root
    what: str
    remake: str


class Verification(BaseModel):
    """What was looked at, and what was found damaged."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    artifacts: int
    files: int
    bytes: int
    damages: tuple[Damage, ...]


def verify(store: Store, name: str | None = None) -> Verification:
    """Hash every file of one artifact, of all artifacts of one run, or (without a name) of all there are.

    Raises BadInput for a name that nothing has.
    """
    damages: list[Damage] = []
    if name is None:
        artifacts = list(all_artifacts(store))
        damages = [*_unreadable_manifests(store), *_unreadable_runs(store)]
    else:
        found = find(store, name)
        artifacts = [found] if isinstance(found, Artifact) else _of_run(store, found, damages)
    sizes = [file.bytes for artifact in artifacts for file in artifact.manifest.outputs.values()]
    for artifact in artifacts:
        for file in artifact.manifest.outputs:
            if what := _damage(artifact, file):
                damages.append(_damaged_file(store, artifact, file, what))
    return Verification(artifacts=len(artifacts), files=len(sizes), bytes=sum(sizes), damages=tuple(damages))


def _damage(artifact: Artifact, file: str) -> str:
    path, expected = artifact.path / file, artifact.manifest.outputs[file]
    if not path.is_file():
        return "is missing"
    if (size := path.stat().st_size) != expected.bytes:
        return f"has {size:,} bytes instead of {expected.bytes:,}"
    try:
        return "" if sha256_of(path) == expected.sha256 else "holds other bytes than were written"
    except PermissionError:
        return NO_ACCESS
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _damaged_file(store: Store, artifact: Artifact, file: str, what: str) -> Damage:
    folder = artifact.path.relative_to(store.root).as_posix()
    if what == NO_ACCESS:
        return _no_access(store, artifact.path / file)
    return Damage(path=f"{folder}/{file}", what=what, remake=_remake(store, folder, artifact.key))


def _no_access(store: Store, path: Path) -> Damage:
    """A file that nothing may be wrong with: its owner, or root, can let this user read it."""
    return Damage(path=path.relative_to(store.root).as_posix(), what=NO_ACCESS, remake=f"chmod -R a+rX {path.parent}")


def _remake(store: Store, folder: str, key: str) -> str:
    """Take the folder away, then do again the run that used it: only what is missing is made."""
    users = (run.command for run in list_runs(store) if any(stage.key == key for _, stage in run.every_stage()))
    return f"rm -r {store.root / folder} && {next((command for command in users if command), REMAKE)}"


def _of_run(store: Store, run: RunRecord, damages: list[Damage]) -> list[Artifact]:
    artifacts = []
    for name, stage in run.every_stage():
        try:
            artifacts.append(store.open(store.path(name, stage.key)))
        except NoAccess:
            damages.append(_no_access(store, store.root / stage.path / "manifest.json"))
        except SlowburnError:
            what = "is missing or its manifest cannot be read"
            damages.append(Damage(path=stage.path, what=what, remake=_remake(store, stage.path, stage.key)))
    return artifacts


def _unreadable_manifests(store: Store) -> list[Damage]:
    damages = []
    for stage in stage_names():
        for path in artifact_folders(store, stage):
            try:
                store.open(path)
            except NoAccess:
                damages.append(_no_access(store, path / "manifest.json"))
            except SlowburnError:
                folder = path.relative_to(store.root).as_posix()
                remake = _remake(store, folder, path.name)
                damages.append(Damage(path=f"{folder}/manifest.json", what="cannot be read", remake=remake))
    return damages


def _unreadable_runs(store: Store) -> list[Damage]:
    damages = []
    for record in sorted(store.runs.glob(f"*/{RUN_FILE}")):
        try:
            open_run(record)
        except NoAccess:
            damages.append(_no_access(store, record))
        except SlowburnError:
            path = record.relative_to(store.root).as_posix()
            damages.append(Damage(path=path, what="cannot be read", remake=f"rm -r {record.parent} && {REMAKE}"))
    return damages
