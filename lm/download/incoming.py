"""Content on its way into a raw artifact: kept under its hash in a hidden folder, and the pins of first use."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from filelock import FileLock

from lm.download.corpora import Source
from lm.store.artifacts import LOCK_WAIT_SECONDS, Store
from lm.store.files import SCHEMA_VERSION, flush, locked, read_json, replace_atomically, sha256_of, write_record
from lm.store.keys import fingerprint
from lm.text.addresses import identity, shown
from lm.text.raw_sources import read_sources

PINS_FILE = "pins.json"


class Pin(TypedDict):
    """The content that a source had when it was first used, or when a change of it was accepted."""

    sha256: str
    pinned: str  # date, UTC


class Incoming:
    """The hidden folder beside the raw artifacts, and `pins.json`."""

    def __init__(self, store: Store) -> None:
        self._raw = store.folder("download")
        self.folder = self._raw / ".incoming"

    def pinned(self) -> dict[str, str]:
        """The pinned SHA-256 of each address, named by its `identity`."""
        path = self._raw / PINS_FILE
        return {name: pin["sha256"] for name, pin in read_json(path).get("pins", {}).items()} if path.exists() else {}

    def pin(self, source: Source, sha256: str) -> None:
        """Remember a source's content."""
        path = self._raw / PINS_FILE
        with FileLock(self.folder / "pins.lock"):
            pins: dict[str, Pin] = read_json(path).get("pins", {}) if path.exists() else {}
            pins[identity(source.address)] = Pin(sha256=sha256, pinned=datetime.now(UTC).date().isoformat())
            write_record(path, {"schema_version": SCHEMA_VERSION, "pins": dict(sorted(pins.items()))})

    @contextmanager
    def receiving(self, source: Source) -> Iterator[Path]:
        """Yield where a source is written while it arrives, locked. Raises Stopped when another process is at it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{fingerprint(identity(source.address))}.part"
        busy = f"download: another process is fetching {shown(source.address)}; wait for it, then run this again"
        with locked(unfinished.with_suffix(".lock"), LOCK_WAIT_SECONDS, busy):
            yield unfinished

    def content(self, sha256: str) -> Path:
        """Where content of this hash is kept."""
        return self.folder / sha256

    def has(self, sha256: str) -> bool:
        """Whether the content is here, or could be copied from a raw artifact that holds it."""
        return self.content(sha256).exists() or any(self._adopt(path, sha256) for path in self._held(sha256))

    def _held(self, sha256: str) -> Iterator[Path]:
        for manifest in sorted(self._raw.glob("[!.]*/manifest.json")):
            for source in read_sources(manifest.parent):
                if source.sha256 == sha256:
                    yield manifest.parent / source.path

    def _adopt(self, path: Path, sha256: str) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # pruned since it was listed: then it is fetched again
            if sha256_of(path) == sha256:
                with replace_atomically(self.content(sha256)) as copy:
                    shutil.copyfile(path, copy)
                return True
        return False

    def keep(self, unfinished: Path, sha256: str) -> None:
        """Give what has arrived whole its lasting name."""
        flush(unfinished)
        unfinished.replace(self.content(sha256))
        flush(self.folder)

    def drop(self, sha256: str) -> None:
        """Forget content that is in an artifact now, or is damaged."""
        self.content(sha256).unlink(missing_ok=True)
