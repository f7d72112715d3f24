"""The files of a raw artifact, read as documents whatever their kind."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from lm.clean.decoding import chosen_encoding, find_encoding
from lm.clean.encoding_detection import Detected
from lm.clean.shards import ByteRange, Shard
from lm.clean.table_documents import Row, UnreadableTable, json_rows, looks_like_json_lines, parquet_rows
from lm.text.archives import Content, Expansion, contents

PART_CHARACTERS = 2**23  # a longer text is read in parts; all of Shakespeare has 5.4 million, the Bible 4.2
RANGE_BUFFER_BYTES = 2**20
NAMED_GUESSES = 20
NAMED_SKIPS = 200  # files that are named; further ones are counted


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as it was found, decoded, with `\\n` line ends; a part of one where it is very long."""

    source: str
    title: str
    text: str
    part: int = 0  # counted from 1; 0 for a whole document
    licence: str = ""  # where the document's own row says it


class Skipped(NamedTuple):
    """A file that could not be read, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class ReadingCounts:
    """What was met on the way."""

    encodings: dict[str, int] = field(default_factory=dict)  # files of each
    guessed_files: int = 0  # whose encoding is not certain
    guessed_encodings: dict[str, str] = field(default_factory=dict)  # of the first ones: the guess and an alternative
    rejects: int = 0  # lines or rows that hold no text
    web_pages: int = 0
    skipped_files: int = 0
    skipped_reasons: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    text_columns: dict[str, str] = field(default_factory=dict)  # of tables whose text is not called `text`

    def decode(self, name: str, found: Detected) -> None:
        """Count a file by its encoding."""
        self.encodings[found.encoding] = self.encodings.get(found.encoding, 0) + 1
        if found.alternative:
            self.guessed_files += 1
            if len(self.guessed_encodings) < NAMED_GUESSES:
                self.guessed_encodings[name] = f"{found.encoding}, or {found.alternative}"

    def skip(self, name: str, reason: str) -> None:
        """Count a file that is not read."""
        self.skipped_files += 1
        self.skipped_reasons[reason] += 1
        if len(self.skipped) < NAMED_SKIPS:
            self.skipped.append(Skipped(name, reason))

    def add(self, other: "ReadingCounts") -> None:
        """Count what another has counted too."""
        for encoding, files in other.encodings.items():
            self.encodings[encoding] = self.encodings.get(encoding, 0) + files
        self.guessed_files += other.guessed_files
        for name, guess in other.guessed_encodings.items():
            if len(self.guessed_encodings) < NAMED_GUESSES:
                self.guessed_encodings[name] = guess
        self.rejects += other.rejects
        self.web_pages += other.web_pages
        self.skipped_files += other.skipped_files
        self.skipped_reasons.update(other.skipped_reasons)
        self.skipped += other.skipped[: NAMED_SKIPS - len(self.skipped)]
        self.text_columns |= other.text_columns


def read_raw(
    raw: Path,
    shard: Shard,
    counts: ReadingCounts,
    scratch: Path,
    expansion: Expansion,
    encodings: Sequence[str] = (),
) -> Iterator[RawDocument]:
    """Stream the documents of one shard, counting into `counts`; archives expand into the folder `scratch`.

    `encodings` are stated by the user, as `clean.encoding` holds them.

    Memory: one document or part, 8 million characters at most, or one web page.
    """
    source = shard.source
    if shard.end is not None:
        yield from _read_range(raw, shard, shard.end, counts)
        return
    for content in contents(raw / source.path, source.name, scratch, expansion, counts.skip):
        inside = content.name.startswith(f"{source.name}/")
        title = f"{source.title}{content.name.removeprefix(source.name)}" if inside else source.title
        if content.kind == "a parquet file":
            yield from _table(parquet_rows(content.path), content.name, title, counts)
        elif content.kind == "a web page":
            yield from _web_page(content, title, counts, encodings)
        elif source.format == "jsonl" or looks_like_json_lines(content.name, content.path):
            with _open(content, counts, encodings) as stream:
                yield from _table(json_rows(stream), content.name, title, counts)
        else:
            with _open(content, counts, encodings) as stream:
                yield from _texts(stream, content.name, title, source.separator)


def _read_range(raw: Path, shard: Shard, end: int, counts: ReadingCounts) -> Iterator[RawDocument]:
    """The documents of a stretch of a source; their source counts as one file where it begins."""
    source = shard.source
    if shard.start == 0:
        counts.encodings["utf-8"] = counts.encodings.get("utf-8", 0) + 1
    bounded = io.BufferedReader(ByteRange(raw / source.path, shard.start, end), RANGE_BUFFER_BYTES)
    with io.TextIOWrapper(bounded, encoding="utf-8", errors="replace", newline=None) as stream:
        if source.format == "jsonl" or looks_like_json_lines(source.name, raw / source.path):
            yield from _table(json_rows(stream, shard.first), source.name, source.title, counts)
        else:
            yield from _texts(stream, source.name, source.title, source.separator, shard.first)


def _open(content: Content, counts: ReadingCounts, encodings: Sequence[str]) -> IO[str]:
    found = find_encoding(content.path, chosen_encoding(encodings, content.name))
    counts.decode(content.name, found)
    return content.path.open(encoding=found.encoding, errors="replace", newline=None)


def _web_page(content: Content, title: str, counts: ReadingCounts, encodings: Sequence[str]) -> Iterator[RawDocument]:
    from lm.clean.html_text import MAX_CHARACTERS, page_text  # its libraries are needed for pages alone

    with _open(content, counts, encodings) as stream:
        page = page_text(stream.read(MAX_CHARACTERS + 1))
    if page is None:
        counts.skip(content.name, "a web page too large or too deeply nested to be a text")
    else:
        counts.web_pages += 1
        yield RawDocument(content.name, page.title or title, page.text)


def _table(rows: Iterator[Row], name: str, title: str, counts: ReadingCounts) -> Iterator[RawDocument]:
    try:
        for row in rows:
            if row.text is None:
                counts.rejects += 1
            else:
                if row.column != "text":
                    counts.text_columns[name] = row.column
                yield RawDocument(name, row.title or f"{title} {row.number}", row.text, licence=row.licence)
    except UnreadableTable as error:
        counts.skip(name, str(error))


def _texts(stream: IO[str], name: str, title: str, separator: str | None, first: int = 1) -> Iterator[RawDocument]:
    """The texts of a file: one, or those between separators; very long ones in parts."""
    texts = _separated(stream, separator) if separator else _parts(stream)
    number = first
    for text, part in texts:
        numbered = f"{title} {number}" if separator else f"{title}, part {part}" if part else title
        yield RawDocument(name, numbered, text, part)
        number += 1
        del text  # before the next is read


def _separated(lines: IO[str], separator: str) -> Iterator[tuple[str, int]]:
    waiting, characters = list[str](), 0
    while line := lines.readline(PART_CHARACTERS):
        ends = line.rstrip("\n") == separator
        if not ends:
            waiting.append(line)
            characters += len(line)
        if ends or characters >= PART_CHARACTERS:
            yield "".join(waiting).strip("\n"), 0
            waiting, characters = [], 0
    yield "".join(waiting).strip("\n"), 0


def _parts(stream: IO[str]) -> Iterator[tuple[str, int]]:
    """A text whole, or in parts that end at an empty line, else at the end of a line, else of a word."""
    text, part = stream.read(PART_CHARACTERS), 0
    while len(text) >= PART_CHARACTERS and (more := stream.read(PART_CHARACTERS // 4)):
        end = next((found + len(gap) for gap in ("\n\n", "\n", " ") if (found := _last(text, gap)) > 0), len(text))
        head, text = text[:end], text[end:] + more
        part += 1
        yield head, part
        del head, more
        text += stream.read(PART_CHARACTERS - len(text)) if len(text) < PART_CHARACTERS else ""
    yield text, part + 1 if part else 0


def _last(text: str, gap: str) -> int:
    return text.rfind(gap, 3 * len(text) // 4)
