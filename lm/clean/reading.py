"""The files of a raw artifact, read as documents whatever their kind."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lm.clean.encoding_detection import Detected
from lm.clean.readers.input_file import DEFAULTS, InputFile, Passage, ReadingSettings, Unreadable
from lm.clean.readers.json_lines import choose_for, read_rows
from lm.clean.readers.plain_text import HEAD_CHARACTERS, find_separator, texts_of
from lm.clean.readers.registry import JSON_LINES, TEXT, Format, recognise
from lm.clean.readings import FileReading, ReadingCounts
from lm.clean.shards import ByteRange, Shard
from lm.text.archives import Content, Expansion, Skip, contents
from lm.text.raw_sources import RawSource

RANGE_BUFFER_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as it was found, decoded, with `\\n` line ends; a part of one where it is very long."""

    source: str
    title: str
    text: str
    part: int = 0  # counted from 1; 0 for a whole document
    licence: str = ""  # where the document's own row says it


def read_raw(
    raw: Path,
    shard: Shard,
    counts: ReadingCounts,
    scratch: Path,
    expansion: Expansion,
    settings: ReadingSettings = DEFAULTS,
) -> Iterator[RawDocument]:
    """Stream the documents of one shard, counting into `counts`; archives expand into the folder `scratch`.

    Memory: one document or part, 8 million characters at most, or one web page.
    """
    source = shard.source
    if shard.end is not None:
        file = InputFile(raw / source.path, source.name, settings, expansion, source.separator, Detected("utf-8"))
        passages = _range_passages(file, shard, shard.end)
        yield from _documents(passages, file, source.name, source.title, counts, is_first=shard.start == 0)
        return
    for found in files_of(raw / source.path, source, scratch, expansion, counts.skip, settings):
        yield from _documents(found.form.read(found.file), found.file, source.name, found.title, counts)


class FoundFile(NamedTuple):
    """A file that is there to be read, until the next one is asked for."""

    file: InputFile
    form: Format
    title: str


def files_of(
    path: Path, source: RawSource, scratch: Path, expansion: Expansion, skip: Skip, settings: ReadingSettings
) -> Iterator[FoundFile]:
    """The files of a source that can be read: itself, or those of an archive; the others are told to `skip`."""
    for content in contents(path, source.name, scratch, expansion, skip):
        inside = content.name.startswith(f"{source.name}/")
        title = f"{source.title}{content.name.removeprefix(source.name)}" if inside else source.title
        file = InputFile(content.path, content.name, settings, expansion, source.separator)
        form = JSON_LINES if source.format == "jsonl" else _format_of(file, content)
        file.kind = form.name
        yield FoundFile(file, form, title)


def _format_of(file: InputFile, content: Content) -> Format:
    return recognise(content.name, content.kind, file.head(HEAD_CHARACTERS) if content.kind == "text" else "")


def _range_passages(file: InputFile, shard: Shard, end: int) -> Iterator[Passage]:
    """The passages of a stretch of a source."""
    head = file.head(HEAD_CHARACTERS)
    form = JSON_LINES if shard.source.format == "jsonl" else recognise(file.name, "text", head)
    file.kind = form.name
    bounded = io.BufferedReader(ByteRange(file.path, shard.start, end), RANGE_BUFFER_BYTES)
    with io.TextIOWrapper(bounded, encoding="utf-8", errors="replace", newline=None) as stream:
        if form is JSON_LINES:
            yield from read_rows(file, stream, choose_for(file), shard.first)
        else:
            separator = find_separator(head, file.separator or file.settings.separator)
            yield from texts_of(file, stream, separator, shard.first)


def _documents(
    passages: Iterator[Passage],
    file: InputFile,
    source_name: str,
    title: str,
    counts: ReadingCounts,
    *,
    is_first: bool = True,
) -> Iterator[RawDocument]:
    """The documents of one file, and how it was read; what its reader could not read is counted by name."""
    found = 0
    try:
        for passage in passages:
            if passage.text is None:
                counts.rejects += 1
                continue
            found += 1
            yield RawDocument(file.name, _title(passage, title), passage.text, passage.part, passage.licence)
            del passage  # its text may be large, and the next is read now
    except Unreadable as error:
        counts.skip(file.name, str(error))
        if not found:
            return
    if is_first:
        if file.encoding:
            counts.decode(file.name, file.encoding)
        if file.missing_columns:
            counts.lack(file.name, file.missing_columns)
        counts.kinds[file.kind] = counts.kinds.get(file.kind, 0) + 1
    if file.kind != TEXT.name or file.how:
        amount = found if file.amount is None else file.amount
        name = "" if file.name == source_name else file.name
        counts.note(FileReading(name, file.kind, file.how, amount, file.unit, file.left_out))


def _title(passage: Passage, title: str) -> str:
    if passage.title:
        return passage.title
    if passage.part:
        return f"{title}, part {passage.part}"
    return f"{title} {passage.number}" if passage.number else title
