"""Which artifacts still hold a source, or were made from it: what is left of it here once it is out of the corpus."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from lm.clean.parts import packs
from lm.errors import BadInput, SlowburnError
from lm.formatting import counted
from lm.runs.lineage import all_artifacts
from lm.stages import position
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION
from lm.text.documents import count_sources
from lm.text.raw_sources import read_sources

MIN_FRAGMENT = 3


class Holder(BaseModel, frozen=True):
    """An artifact, or a pack of cleaned parts, and what it has of the source."""

    stage: str  # "parts" for a pack
    key: str
    path: str  # relative to the root
    holds: str


class SourceView(BaseModel, frozen=True):
    """All that holds sources of which `fragment` is a part of the name or address, or the beginning of the SHA-256."""

    schema_version: int = SCHEMA_VERSION
    fragment: str
    sources: tuple[str, ...]
    holders: tuple[Holder, ...]


def find_source(store: Store, fragment: str) -> SourceView:
    """Find what holds a source; what was made from an artifact that does counts too.

    Raises BadInput for a fragment that is too short to tell sources apart.
    """
    if len(fragment) < MIN_FRAGMENT:
        raise BadInput(f"--source: got {fragment!r}, expected {MIN_FRAGMENT} characters or more of a source's name")
    wanted, names, holders = fragment.casefold(), set[str](), dict[str, Holder]()
    artifacts = sorted(all_artifacts(store), key=lambda each: (position(each.manifest.stage), each.manifest.created))
    for artifact in artifacts:
        here = _own(artifact, wanted, names)
        origins = [holders[key] for key in artifact.manifest.inputs.values() if key in holders]
        if here or origins:
            holds = here or f"made from {' and '.join(f'{origin.stage} {origin.key}' for origin in origins)}"
            path = artifact.path.relative_to(store.root).as_posix()
            holders[artifact.key] = Holder(stage=artifact.manifest.stage, key=artifact.key, path=path, holds=holds)
    kept = _parts(store, wanted, names)
    return SourceView(fragment=fragment, sources=tuple(sorted(names)), holders=(*kept, *holders.values()))


def _age(artifact: Artifact) -> tuple[str, int]:
    """What an artifact was made from is older, or of an earlier stage."""
    return artifact.manifest.created, position(artifact.manifest.stage)


def _own(artifact: Artifact, wanted: str, names: set[str]) -> str:
    """What an artifact says itself that it has of the source; its names join `names`."""
    found = set[str]()
    try:
        if artifact.manifest.stage == "download":
            sources = read_sources(artifact.path)
            found = {source.name for source in sources if _is_it(wanted, source.name, source.address, source.sha256)}
            holds = f"its file{'s' if len(found) > 1 else ''}"
        elif artifact.manifest.stage == "clean":
            documents = count_sources(artifact.path)
            found = {name for name in documents if wanted in name.casefold()}
            count = sum(documents[name] for name in found)
            holds = f"{counted(count, 'document')} of it"
    except SlowburnError:  # damaged: `inspect` and `verify` say so
        return ""
    names |= found
    return holds if found else ""


def _parts(store: Store, wanted: str, names: set[str]) -> Iterator[Holder]:
    for path, parts in packs(store.parts):
        mine = [part for part in parts.values() if _is_it(wanted, part.source, part.address, part.sha256)]
        names |= {part.source for part in mine}
        if mine:
            rows = sum(part.end_row - part.first_row for part in mine)
            yield _pack(store, path, f"{counted(rows, 'document')} of it, cleaned or rejected")


def _pack(store: Store, path: Path, holds: str) -> Holder:
    return Holder(stage="parts", key=path.stem, path=path.relative_to(store.root).as_posix(), holds=holds)


def _is_it(wanted: str, name: str, address: str, sha256: str) -> bool:
    return wanted in name.casefold() or wanted in address.casefold() or sha256.startswith(wanted)
