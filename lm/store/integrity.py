"""Whether an artifact still holds the bytes that were written: each file is hashed again."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lm.errors import Damaged, NoAccess
from lm.store.artifacts import Artifact
from lm.store.files import remake_advice, sha256_of

NO_ACCESS = "may not be read by this user; its owner can change that"
NO_ANSWER = "cannot be read now; its disk or network folder does not answer"
ADDED = "is no part of it"
LEFT_BY_SYSTEMS = ("Thumbs.db", "desktop.ini")


class FileDamage(NamedTuple):
    """A file that is not what was written, by its path in the artifact's folder, and how."""

    name: str
    what: str


def check(artifact: Artifact) -> None:
    """Raise Damaged, with the command that repairs it, where an artifact is not what was written, or NoAccess."""
    for name, what in file_damages(artifact):
        if what in (NO_ACCESS, NO_ANSWER):
            raise NoAccess(f"{artifact.path / name} {what}")
        raise Damaged(f"{artifact.path / name} {what}: {remake_advice(artifact.path)}")


def file_damages(artifact: Artifact) -> Iterator[FileDamage]:
    """Every file of an artifact that is missing, that is not what was written, or that was added."""
    for name in artifact.manifest.outputs:
        if what := _damage(artifact, name):
            yield FileDamage(name, what)
    for name in sorted(_names(artifact.path) - artifact.manifest.outputs.keys() - {"manifest.json"}):
        yield FileDamage(name, ADDED)


def _damage(artifact: Artifact, name: str) -> str:
    path, expected = artifact.path / name, artifact.manifest.outputs[name]
    try:
        if not path.is_file():
            return "is missing"
        if (size := path.stat().st_size) != expected.bytes:
            return f"has {size:,} bytes instead of {expected.bytes:,}"
        return "" if sha256_of(path) == expected.sha256 else "holds other bytes than were written"
    except PermissionError:
        return NO_ACCESS
    except OSError:
        return NO_ANSWER


def _names(folder: Path) -> set[str]:
    """The files of a folder, but for hidden ones and what systems leave."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)
            and path.name not in LEFT_BY_SYSTEMS}  # fmt: skip
