"""Damages to files of a root, made by chance from a seed: bits, ends, blocks, files that go, come, or change places."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

DERIVED = ("report.html", "index.html")  # drawn again from what is checked
# What is missing there is nothing that was promised: it is made again, or the one before is used.
MAY_BE_MISSING = {"machine", "champion's copy", "record of a checkpoint", "pack"}
KINDS = {
    "manifest.json": "manifest", "sources.json": "sources", "tokenizer.model": "tokenizer",
    "model.safetensors": "weights", "evaluation.json": "evaluation", "samples.parquet": "samples",
    "run.json": "record of a run", "memory.parquet": "memory", "machine.json": "machine",
    "champion.json": "champion", "champion.copy.json": "champion's copy", "documents.parquet": "clean text",
    "rejects.parquet": "rejects",
}  # fmt: skip
FOLDERS = {"raw": "raw file", "parts": "pack", "tokens": "tokens", "plans": "plan", "models": "file of a model",
           "compressors": "compressors"}  # fmt: skip


class Corruption(NamedTuple):
    """A damage that was made: to which kind of file, how, and the files it concerns."""

    kind: str
    how: str
    paths: tuple[Path, ...]


def kind_of(path: Path, root: Path) -> str:
    """What a file is; nothing for what is not checked."""
    relative = path.relative_to(root)
    if path.parent.name == "checkpoints":
        return "record of a checkpoint" if path.suffix == ".json" else "tensors of a checkpoint"
    if path.name in DERIVED or any(part.startswith(".") for part in relative.parts):
        return ""
    return KINDS.get(path.name) or FOLDERS.get(relative.parts[1], "")


def files_by_kind(root: Path) -> dict[str, list[Path]]:
    """All files that are checked."""
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and (kind := kind_of(path, root)):
            found.setdefault(kind, []).append(path)
    return found


def corrupt(root: Path, seed: str) -> Corruption:
    """Make one damage to a file of this root: the same for the same seed and files."""
    chance = random.Random(seed)
    files = files_by_kind(root)
    while True:
        kind = chance.choice(sorted(files))
        path, how = chance.choice(files[kind]), chance.choice(sorted(WAYS))
        if how == "missing" and kind in MAY_BE_MISSING:
            continue
        if touched := WAYS[how](path, files[kind], chance):
            return Corruption(kind, how, touched)


def _flip(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return (path,)


def _truncate(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])
    return (path,)


def _zero(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content))
    end = min(start + 512, len(content))
    if not any(content[start:end]):
        return ()
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    return (path,)


def _append(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    with path.open("ab") as file:
        file.write(chance.randbytes(chance.randrange(1, 64)))
    return (path,)


def _swap(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    different = [other for other in others if other.read_bytes() != path.read_bytes()]
    if not different:
        return ()
    other = chance.choice(different)
    mine, its = path.read_bytes(), other.read_bytes()
    path.write_bytes(its)
    other.write_bytes(mine)
    return (path, other)


def _missing(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    path.unlink()
    return (path,)


def _extra(path: Path, others: list[Path], chance: random.Random) -> tuple[Path, ...]:
    beside = path.parent.name in ("parts", "checkpoints", "artifacts") or path.parent.parent.name == "runs"
    if beside or path.name == "machine.json":
        return ()  # no artifact: what is added there is never read
    added = path.with_stem(f"{path.stem}-{chance.randrange(10)}")
    shutil.copyfile(path, added)
    return (added,)


WAYS: dict[str, Callable[[Path, list[Path], random.Random], tuple[Path, ...]]] = {
    "bit": _flip, "truncated": _truncate, "zeroed": _zero, "appended": _append, "swapped": _swap,
    "missing": _missing, "extra": _extra,
}  # fmt: skip
