"""The artifact store: immutable folders named by their key, each there whole or not at all.

A stage writes into a hidden sibling (`.<key>.partial`). Every file is hashed and flushed, `manifest.json` is written
last, and the folder is renamed into place: whoever finds `<key>/manifest.json` may trust what the folder holds.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from lm.config import JsonObject, StageMetrics
from lm.errors import DISK_FULL, Damaged, SlowburnError, Stopped, check_utf8
from lm.store.files import (
    SCHEMA_VERSION,
    Moment,
    flush,
    move,
    now,
    read_json,
    read_record,
    remake_advice,
    sha256_of,
    write_record,
)
from lm.store.layout import folder_of

Metrics = TypeVar("Metrics", bound=StageMetrics)

ROOT_VARIABLE = "SLOWBURN_ROOT"
LOCK_WAIT_SECONDS = 15.0  # an orphaned child notices its parent's death well within this
NOT_MADE = "not made yet"


class OutputFile(BaseModel, frozen=True):
    """Size and hash of one file of an artifact."""

    bytes: int
    sha256: str


class Manifest(BaseModel, frozen=True):
    """What `manifest.json` says of an artifact: what it was made from, by what, and what it holds."""

    schema_version: int = SCHEMA_VERSION
    stage: str
    key: str
    created: Moment  # UTC, RFC 3339
    config: JsonObject  # the stage's settings, resolved
    inputs: dict[str, str]  # key or SHA-256 of each input, by its name
    outputs: dict[str, OutputFile]  # by path in the artifact's folder
    metrics: JsonObject  # what the stage says of what it made
    seconds: float  # that making it took
    peak_memory_bytes: int | None
    versions: dict[str, str]  # of slowburn, python, torch, sentencepiece, and the git commit
    numerics: JsonObject = {}  # what may change the last bits


class Artifact(BaseModel, frozen=True):
    """A complete artifact on disk."""

    path: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The key that names it."""
        return self.manifest.key

    def intact(self, name: str) -> Path:
        """One of its files. Raises Damaged where it does not hold what was written."""
        path, expected = self.path / name, self.manifest.outputs.get(name)
        if expected and path.is_file() and sha256_of(path) != expected.sha256:
            raise Damaged(f"{path} does not hold what was written: {remake_advice(self.path)}")
        return path

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of its JSON files. Raises Damaged where it does not hold what was written."""
        return read_json(self.intact(name), remake_advice(self.path))

    def read_metrics(self, kind: type[Metrics]) -> Metrics:
        """Read what the stage said of it. Raises SlowburnError where another version of the stage said other things."""
        try:
            return kind.model_validate(self.manifest.metrics)
        except ValidationError as error:
            field = ".".join(map(str, error.errors()[0]["loc"]))
            raise SlowburnError(
                f"{self.path}/manifest.json: its metrics have no usable {field}: {remake_advice(self.path)}"
            ) from error


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as that can be done: another process may be at it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


class Store:
    """All artifacts under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def default(cls) -> Self:
        """Where `SLOWBURN_ROOT` says, else in the project itself."""
        root = Path(os.environ.get(ROOT_VARIABLE) or Path(__file__).parents[2]).expanduser().resolve()
        return cls(Path(check_utf8(str(root))))

    @property
    def plans(self) -> Path:
        """Where plans are kept."""
        return self.root / "artifacts" / "plans"

    @property
    def runs(self) -> Path:
        """Where each run has its folder."""
        return self.root / "artifacts" / "runs"

    @property
    def parts(self) -> Path:
        """Where cleaning keeps what it made of each source (`parts.py`)."""
        return self.root / "data" / "parts"

    def folder(self, stage: str) -> Path:
        """Where the artifacts of a stage, or of a role, are kept."""
        return self.root / folder_of(stage)

    def path(self, stage: str, key: str) -> Path:
        """Where the artifact of this stage and key is, or would be."""
        return self.folder(stage) / key

    def partial(self, stage: str, key: str) -> Path:
        """Where the unfinished artifact of this stage and key is kept."""
        return self.folder(stage) / f".{key}.partial"

    def find(self, stage: str, key: str) -> Artifact | None:
        """Return the complete artifact of this key, or None if it must be made (again)."""
        return None if self.why_missing(stage, key) else self.open(self.path(stage, key))

    def why_missing(self, stage: str, key: str) -> str | None:
        """Say why this artifact cannot be used as it is, in a few words; None when it can."""
        path = self.path(stage, key)
        if not (path / "manifest.json").exists():
            return "damaged: no manifest" if path.exists() else NOT_MADE
        artifact = self.open(path)
        for name, expected in artifact.manifest.outputs.items():
            file = path / name
            if not file.is_file():
                return f"damaged: {name} is missing"
            if file.stat().st_size != expected.bytes:
                return f"damaged: {name} has {file.stat().st_size} bytes instead of {expected.bytes}"
        return None

    def open(self, path: Path) -> Artifact:
        """Open a complete artifact's folder. Raises Damaged when its manifest cannot be understood."""
        return Artifact(path=path, manifest=read_record(path / "manifest.json", Manifest, remake_advice(path)))

    def sweep(self, artifact: Artifact, scratch: tuple[str, ...]) -> None:
        """Remove scratch from a finished artifact: its writer was killed before it could."""
        for name in scratch:
            if name not in artifact.manifest.outputs:
                _remove(artifact.path / name)

    def list(self, stage: str) -> list[Artifact]:
        """Every complete artifact of a stage whose manifest can be read, oldest first."""
        found = []
        for path in self.folder(stage).glob("[!.]*/manifest.json"):
            with suppress(SlowburnError):  # `inspect` shows it as damaged, `verify` names it
                found.append(self.open(path.parent))
        return sorted(found, key=lambda artifact: (artifact.manifest.created, artifact.key))

    @contextmanager
    def writing(self, stage: str, key: str, *, resumable: bool = False) -> Iterator[Path]:
        """Yield the partial folder of an artifact, locked, to be filled and then given to `commit`.

        What a killed writer left there is swept first, unless the stage is `resumable`. Raises Stopped when another
        process is writing the same artifact.
        """
        partial = self.partial(stage, key)
        partial.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(partial.with_name(f".{key}.lock"))
        try:
            lock.acquire(timeout=LOCK_WAIT_SECONDS)
        except Timeout:
            raise Stopped(
                f"{stage}: another process is making this same artifact ({key}); wait for it, then run this again"
            ) from None
        try:
            if not resumable:
                shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(exist_ok=True)
            yield partial
        except OSError as error:
            if error.errno in DISK_FULL:
                error.filename = error.filename or str(partial)  # most writers do not name their file
            raise
        finally:
            if not resumable:
                shutil.rmtree(partial, ignore_errors=True)
            lock.release()

    def commit(
        self,
        stage: str,
        key: str,
        *,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        metrics: StageMetrics | Mapping[str, Any],
        seconds: float,
        peak_memory_bytes: int | None,
        versions: Mapping[str, str],
        numerics: Mapping[str, Any] | None = None,
        scratch: tuple[str, ...] = (),
        partial: Path | None = None,
    ) -> Artifact:
        """Turn the partial folder into the artifact: hash and flush every file, write the manifest, rename.

        What `scratch` names in it is not part of the artifact, and goes once the artifact exists. `partial` is the
        folder where it has another name than the key's.
        """
        partial, path = partial or self.partial(stage, key), self.path(stage, key)
        kept = [entry for entry in partial.iterdir() if entry.name not in ("manifest.json", *scratch)]
        files = sorted(file for entry in kept for file in (entry, *entry.rglob("*")) if file.is_file())
        for file in files:
            flush(file)
        manifest = Manifest(
            stage=stage,
            key=key,
            created=now(),
            config=dict(config),
            inputs=dict(inputs),
            outputs={
                file.relative_to(partial).as_posix(): OutputFile(bytes=file.stat().st_size, sha256=sha256_of(file))
                for file in files
            },
            metrics=metrics.model_dump(mode="json", exclude_unset=True)
            if isinstance(metrics, StageMetrics)
            else dict(metrics),
            seconds=round(seconds, 3),
            peak_memory_bytes=peak_memory_bytes,
            versions=dict(versions),
            numerics=dict(numerics or {}),
        )
        write_record(partial / "manifest.json", manifest.model_dump(mode="json"))
        mode = (partial / "manifest.json").stat().st_mode  # by the user's umask; safetensors are for their owner alone
        with suppress(PermissionError, NotImplementedError):  # on a network folder whose modes are its own
            for file in files:
                file.chmod(mode)
        damaged = path.with_name(f".{key}.damaged")
        shutil.rmtree(damaged, ignore_errors=True)
        if path.exists():
            move(path, damaged)
        move(partial, path)
        flush(path.parent)
        shutil.rmtree(damaged, ignore_errors=True)
        for name in scratch:
            _remove(path / name)
        return Artifact(path=path, manifest=manifest)
