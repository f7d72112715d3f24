"""What download wrote, read as raw documents: the list of sources, and the texts in each file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from lm.config import StageConfig
from lm.decoding import detect_encoding
from lm.errors import BadInput, SlowburnError
from lm.store import read_json

SOURCES_FILE = "sources.json"
MAX_DOCUMENT_BYTES = 2**30  # a document is held in memory whole


class RawSource(StageConfig):
    """One file of a raw artifact, as `sources.json` lists it."""

    name: str
    title: str
    address: str  # as it may be shown: no user, password or query
    licence: str
    path: str  # in the artifact's folder
    sha256: str
    bytes: int
    format: Literal["text", "jsonl"]
    separator: str | None  # a line that stands between documents; None when the file is one document


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as it was found, decoded, with `\\n` line ends."""

    source: str
    title: str
    text: str


@dataclass(slots=True)
class ReadingCounts:
    """What was met on the way."""

    encodings: dict[str, int] = field(default_factory=dict)  # files of each
    rejects: int = 0  # lines of JSON lines that hold no text


def read_sources(raw: Path) -> list[RawSource]:
    """List the sources of a raw artifact. Raises SlowburnError when its list is damaged."""
    path = raw / SOURCES_FILE
    try:
        return [RawSource.model_validate(source) for source in read_json(path).get("sources", ())]
    except ValidationError as error:
        raise SlowburnError(f"{path} is no list of sources: delete {raw} and run again to have it remade") from error


def read_raw(raw: Path, source: RawSource, counts: ReadingCounts) -> Iterator[RawDocument]:
    """Stream the documents of one source, counting into `counts`. Raises BadInput for one too long to hold."""
    path = raw / source.path
    encoding = detect_encoding(path)
    counts.encodings[encoding] = counts.encodings.get(encoding, 0) + 1
    if source.format == "text" and source.separator is None and source.bytes > MAX_DOCUMENT_BYTES:
        raise BadInput(
            f"{source.name} is one document of {source.bytes:,} bytes and at most {MAX_DOCUMENT_BYTES:,} can be held: "
            "give it as a folder of smaller files"
        )
    with path.open(encoding=encoding, errors="replace", newline=None) as stream:
        match source.format, source.separator:
            case "jsonl", _:
                yield from _json_documents(stream, source, counts)
            case _, None:
                yield RawDocument(source.name, source.title, stream.read())
            case _, separator:
                yield from _separated_documents(stream, source, separator)


def _separated_documents(lines: Iterator[str], source: RawSource, separator: str) -> Iterator[RawDocument]:
    number, waiting = 1, list[str]()
    for line in lines:
        if line.rstrip("\n") == separator:
            yield RawDocument(source.name, f"{source.title} {number}", "".join(waiting).strip("\n"))
            number, waiting = number + 1, []
        else:
            waiting.append(line)
    yield RawDocument(source.name, f"{source.title} {number}", "".join(waiting).strip("\n"))


def _json_documents(lines: Iterator[str], source: RawSource, counts: ReadingCounts) -> Iterator[RawDocument]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and isinstance(text := row.get("text"), str):
            yield RawDocument(source.name, str(row.get("document") or f"{source.title} {number}"), text)
        elif not line.isspace():
            counts.rejects += 1
