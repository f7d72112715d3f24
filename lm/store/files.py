"""Files that are there whole or not at all, and their hashes."""

import errno
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import AfterValidator, BaseModel, ValidationError

from lm.errors import Damaged, NoAccess, Stopped, TooNew, explained
from lm.store.checksum import FIELD, has_checksum, is_unchanged, with_checksum

Model = TypeVar("Model", bound=BaseModel)

SCHEMA_VERSION = 1
AGAIN = "run this again to make it again"
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # what a network folder says of what it cannot do
SCANNERS_HOLD_FILES = os.name == "nt"  # open, so that they cannot be renamed
SCANNER_TIMEOUT_SECONDS = 10.0


def sha256_of(path: Path) -> str:
    """Hash a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def now() -> str:
    """This moment as records keep it: UTC, RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _is_moment(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone(UTC)  # not to the local zone, whose offset may be no real one
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return text


Moment = Annotated[str, AfterValidator(_is_moment)]  # in a record: UTC, RFC 3339


def flush(path: Path) -> None:
    """Force a file's content, or a folder's list of names, onto the disk, where the file system can.

    Windows and many network folders keep their folders by themselves.
    """
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
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
    """Raise NoAccess where the system does not let us read a file; what is wrong in it is the reader's to tell."""
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    except OSError as error:
        error.filename = str(path)  # a failed read names no file
        raise NoAccess(str(explained(error))) from error


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
    except OSError as error:
        if error.filename in (None, str(temporary)):  # a full disk is told without one
            error.filename = str(path)
        raise
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
        temporary.write_bytes((_as_text(value) + "\n").encode())


def write_record(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object like `write_json`, with a checksum that `read_json` compares."""
    with replace_atomically(path) as temporary:
        temporary.write_bytes(with_checksum(_as_text(value) + "\n"))


def read_json(path: Path, repair: str = "") -> dict[str, Any]:
    """Read a JSON object that this project wrote.

    Raises Damaged, with the command that repairs it, when it is no JSON or not what its checksum was taken of;
    SlowburnError for a schema newer than this version of Slowburn knows; NoAccess.
    """
    check_readable(path)
    repair = repair or remake_advice(path)
    try:
        content = path.read_bytes()
        value = json.loads(content)
    except FileNotFoundError:
        raise Damaged(f"{path} is missing: {AGAIN}") from None
    except OSError as error:
        raise explained(error) from error
    except (ValueError, RecursionError) as error:
        what = "objects too deep in each other" if isinstance(error, RecursionError) else error
        raise Damaged(f"{path} cannot be read ({what}): {repair}") from error
    if not isinstance(value, dict):
        raise Damaged(f"{path} holds no JSON object: {repair}")
    if (FIELD in value or has_checksum(content)) and not is_unchanged(content):
        raise Damaged(f"{path} does not hold what was written: {repair}")
    value.pop(FIELD, None)
    version = value.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int:
        raise Damaged(f"{path} has schema version {str(version)[:40]!r}, expected a number: {repair}")
    if version > SCHEMA_VERSION:
        raise TooNew(
            f"{path} has schema version {version}, this Slowburn knows up to {SCHEMA_VERSION}: update Slowburn"
        )
    return value


def read_record(path: Path, kind: type[Model], repair: str = "") -> Model:
    """Read a record of this kind. Raises as `read_json` does, and Damaged where a field is missing or is another."""
    content = read_json(path, repair)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or kind.__name__
        raise Damaged(f"{path} cannot be used ({where}: {first['msg']}): {repair or remake_advice(path)}") from None


def remake_advice(path: Path) -> str:
    """How to have a file, or a folder, made again."""
    return f"`rm {'-r ' * path.is_dir()}{shlex.quote(str(path))}`, then {AGAIN}"


def _as_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
