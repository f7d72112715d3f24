"""How a corpus would be read: a few of its files are looked at, and tell of the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import PurePosixPath

from pydantic import Field

from lm.clean.config import CleanConfig
from lm.clean.metrics import CleanMetrics, FileReading, Opening
from lm.clean.preview_result import FilePreview
from lm.config import StageConfig
from lm.text.raw_sources import RawSource

MAX_FILES = 60  # that are looked at
MAX_OPENINGS = 5


class FilesLook(StageConfig):
    """What a look at a few files tells."""

    files: tuple[FilePreview, ...] = ()
    bytes_per_token: dict[int, float] = Field({})  # of their text, as `measure_bytes_per_token` gives it
    unspaced_share: float = 0.0


Preview = Callable[[Sequence[RawSource], CleanConfig], FilesLook]


class CorpusPreview(StageConfig):
    """How the files of a corpus are read, and how a few documents begin."""

    files: int
    looked_at: int  # of them
    whole: bool  # they were read to their ends
    readings: tuple[FileReading, ...]
    skipped: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()


class TextSize(StageConfig):
    """About how much text files hold."""

    bytes: int
    largest_document_bytes: int


def chosen_files(sources: Iterable[RawSource]) -> list[RawSource]:
    """The files to look at: of each kind by name, the largest first, then some between; the kind with most bytes first.

    One of each kind comes before a second of any, so that a look that ends early has seen most kinds.
    """
    kinds = sorted(_by_suffix(sources).values(), key=lambda group: -sum(source.bytes for source in group))
    rounds = zip_longest(*map(_spread, kinds))
    return [source for each in rounds for source in each if source][:MAX_FILES]


def _by_suffix(sources: Iterable[RawSource]) -> dict[str, list[RawSource]]:
    groups = defaultdict[str, list[RawSource]](list)
    for source in sources:
        groups[_suffix(source.name)].append(source)
    return groups


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _spread(group: Sequence[RawSource]) -> Iterator[RawSource]:
    """The largest file of a group, then others, evenly spread over its names."""
    largest = max(group, key=lambda source: source.bytes)
    yield largest
    others = [source for source in group if source is not largest]
    yield from others[:: max(1, len(others) // MAX_FILES)]


def previewed(sources: Sequence[RawSource], found: Sequence[FilePreview]) -> tuple[CorpusPreview, TextSize]:
    """What the looks at some files tell of all of them."""
    by_name = {preview.name: preview for preview in found}
    groups = _by_suffix(sources)
    every = _share(sources, by_name, 1.0)
    total = largest = 0.0
    for group in groups.values():
        share = _share(group, by_name, every)
        total += share * sum(source.bytes for source in group)
        looks = [by_name[source.name] for source in group if source.name in by_name]
        one_document = any(look.documents == 1 for look in looks) or not looks
        largest = max(largest, *(look.largest_document_bytes for look in looks), 0)
        if one_document:
            largest = max(largest, share * max(source.bytes for source in group))
    preview = CorpusPreview(
        files=len(sources),
        looked_at=len(found),
        whole=all(look.whole for look in found),
        readings=tuple(reading for look in found for reading in look.readings),
        skipped=tuple(reason for look in found for reason in look.skipped),
        openings=tuple(_first_of_each(found))[:MAX_OPENINGS],
    )
    return preview, TextSize(bytes=round(total), largest_document_bytes=round(largest))


def _share(sources: Iterable[RawSource], found: dict[str, FilePreview], otherwise: float) -> float:
    """Bytes of text for each byte of those files that were looked at."""
    looked_at = [source for source in sources if source.name in found]
    size = sum(source.bytes for source in looked_at)
    return sum(found[source.name].text_bytes for source in looked_at) / size if size else otherwise


def _first_of_each(found: Sequence[FilePreview]) -> Iterator[Opening]:
    """The first documents of all files, then the second ones."""
    for openings in zip_longest(*(look.openings for look in found)):
        yield from filter(None, openings)


def preview_of(cleaned: CleanMetrics) -> CorpusPreview:
    """The same of a text that was cleaned."""
    files = sum(cleaned.kinds.values()) + cleaned.skipped_files
    return CorpusPreview(
        files=files,
        looked_at=files,
        whole=True,
        readings=cleaned.readings,
        skipped=cleaned.skipped,
        openings=cleaned.openings,
    )
