"""What download wrote: the list of a raw artifact's sources. What is in their files is read by `reading.py`."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from lm.config import StageConfig
from lm.errors import SlowburnError
from lm.store.files import read_json

SOURCES_FILE = "sources.json"


class RawSource(StageConfig):
    """One file of a raw artifact, as `sources.json` lists it."""

    name: str
    title: str
    address: str  # as it may be shown: no user, password or query
    licence: str
    path: str  # in the artifact's folder
    sha256: str
    bytes: int
    format: Literal["text", "jsonl"]  # text: one document, unless its content shows another kind of file
    separator: str | None  # a line that stands between documents; None when the file is one document


def read_sources(raw: Path) -> list[RawSource]:
    """List the sources of a raw artifact. Raises SlowburnError when its list is damaged."""
    path = raw / SOURCES_FILE
    try:
        return [RawSource.model_validate(source) for source in read_json(path).get("sources", ())]
    except ValidationError as error:
        raise SlowburnError(f"{path} is no list of sources: delete {raw} and run again to make it again") from error
