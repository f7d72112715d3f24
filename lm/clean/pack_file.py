"""A pack's file, whose name tells whether it is whole."""

from pathlib import Path

from lm.store.files import move, sha256_of

HASH_CHARACTERS = 16


def name_by_hash(path: Path) -> None:
    """Add the hash of a finished pack to its name."""
    move(path, path.with_stem(f"{path.stem}-{_hash(path)}"))


def is_whole(path: Path) -> bool:
    """Whether a pack holds what was written; of older ones, whose name does not tell, it is believed."""
    _, _, written = path.stem.partition("-")
    try:
        return not written or _hash(path) == written
    except FileNotFoundError:
        return False


def _hash(path: Path) -> str:
    return sha256_of(path)[:HASH_CHARACTERS]
