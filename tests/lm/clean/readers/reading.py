"""Reads one made-up file as the clean stage does."""

from pathlib import Path
from typing import Any

from lm.clean.readers.input_file import ReadingSettings
from lm.clean.reading import RawDocument, read_raw
from lm.clean.readings import ReadingCounts
from lm.clean.shards import Shard
from lm.text.archives import Expansion
from lm.text.raw_sources import RawSource


def read(
    folder: Path, name: str, content: bytes | str, *, max_bytes: int = 2**30, **settings: Any
) -> tuple[list[RawDocument], ReadingCounts]:
    """The documents of a file of this name and content, and what was met."""
    encoded = content.encode() if isinstance(content, str) else content
    (folder / "scratch").mkdir(exist_ok=True)
    (folder / "file").write_bytes(encoded)
    source = RawSource(
        name=name, title=name, address=name, licence="", path="file", sha256="", bytes=len(encoded), format="text",
        separator=None,
    )  # fmt: skip
    counts, expansion = ReadingCounts(), Expansion(max_bytes)
    shard, scratch = Shard(source=source), folder / "scratch"
    return list(read_raw(folder, shard, counts, scratch, expansion, ReadingSettings(**settings))), counts


def texts(folder: Path, name: str, content: bytes | str, **settings: Any) -> list[str]:
    """The texts alone."""
    return [document.text for document in read(folder, name, content, **settings)[0]]


def told(folder: Path, name: str, content: bytes | str, **settings: Any) -> str:
    """How the file was read, in a sentence; or why it was not."""
    _, counts = read(folder, name, content, **settings)
    if counts.readings:
        return counts.readings[0]._replace(name=name).sentence()
    return counts.skipped[0].reason if counts.skipped else ""
