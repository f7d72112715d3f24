"""Files that are there whole or not at all, and their hashes."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lm.errors import SlowburnError, Stopped, explained

SCHEMA_VERSION = 1
SCANNERS_HOLD_FILES = os.name == "nt"  # open, so that they cannot be renamed
SCANNER_TIMEOUT_SECONDS = 10.0


def sha256_of(path: Path) -> str:
    """Hash a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def now() -> str:
    """This moment as records keep it: UTC, RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def flush(path: Path) -> None:
    """Force a file's content, or a folder's list of names, onto the disk. Windows keeps its folders by itself."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename a file or a folder; a file takes the place of another one.

    On Windows a virus scanner may be looking into what was just written: wait until it lets go.
    """
    deadline = time.monotonic() + SCANNER_TIMEOUT_SECONDS
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if not SCANNERS_HOLD_FILES or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def check_readable(path: Path) -> None:
    """Raise NoAccess where a file may not be read by this user; what else is wrong with it is the reader's to tell."""
    try:
        path.open("rb").close()
    except PermissionError as error:
        raise explained(error) from error
    except OSError:
        return


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary file that becomes `path` once it is written: a reader sees the old content or the new.

    What was written when an error ends the block is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        flush(temporary)
        move(temporary, path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, patience_seconds: float, busy: str) -> Iterator[None]:
    """Hold a lock between processes. Raises Stopped, with what to say, where another one keeps it for longer."""
    lock = FileLock(path, timeout=patience_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise Stopped(busy) from None
    try:
        yield
    finally:
        lock.release()


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader sees the old content or the new, never half of it."""
    with replace_atomically(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that this project wrote.

    Raises SlowburnError when it is not JSON, or of a schema newer than this version of Slowburn knows, and NoAccess.
    """
    check_readable(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise SlowburnError(f"{path} cannot be read ({error}): delete it and run again to make it again") from error
    if not isinstance(value, dict):
        raise SlowburnError(f"{path} holds no JSON object: delete it and run again to make it again")
    version = value.get("schema_version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise SlowburnError(
            f"{path} has schema version {version}, this Slowburn knows up to {SCHEMA_VERSION}: update Slowburn"
        )
    return value
