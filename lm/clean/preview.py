"""A look at files before they are cleaned: the readers of the clean stage read the beginning of each."""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from lm.clean.config import CleanConfig
from lm.clean.encoding_detection import Detected
from lm.clean.metrics import FileReading, Opening
from lm.clean.openings import OPENING_CHARACTERS
from lm.clean.part_counts import CleaningCounts
from lm.clean.preview_result import FilePreview
from lm.clean.readers.input_file import InputFile, Passage, ReadingSettings, Unreadable
from lm.clean.reading import FoundFile, files_of
from lm.clean.readings import FileReading as Reading
from lm.clean.shard_cleaning import clean_text
from lm.text.archives import Expansion
from lm.text.file_kind import HEAD_BYTES, file_kind
from lm.text.raw_sources import RawSource

MAX_BYTES = 2**21  # of the beginning of a file
MAX_TEXT_BYTES = 4 * MAX_BYTES  # of a file that is packed
MAX_PDF_PAGES = 20
MAX_OPENINGS = 2  # of a file
MAX_READINGS = 50  # of the files of an archive
FIRST_BYTE = 0xC0  # of a character of several bytes in UTF-8, and above
SAMPLE_CHARACTERS = 2**17  # of a file
PACKED_SHARE = 3  # what archives unpack to, about, where they were not unpacked to their end


def preview_files(
    files: Sequence[RawSource], config: CleanConfig, seconds: float, samples: list[str]
) -> Iterator[FilePreview]:
    """Look at the files one after another, until the time is over; at the first in any case.

    A piece of the text of each is put into `samples`.

    Memory: as cleaning, of files that are no larger than MAX_BYTES, or are packed.
    """
    until = time.monotonic() + seconds
    with TemporaryDirectory() as folder:
        for source in files:
            look = _Look(source, config, Path(folder), until)
            yield look.result()
            samples.extend(look.sample)
            if time.monotonic() > until:
                return


class _Beginnings(Expansion):
    """Expands but the beginning of each file of an archive."""

    def __init__(self) -> None:
        super().__init__(MAX_BYTES)
        self.is_cut = False

    def write(self, stream: IO[bytes], _: int, target: Path) -> None:
        """Write the beginning of what a stream expands to."""
        size, is_whole = _write_beginning(stream, target)
        self.bytes += size
        self.is_cut |= not is_whole

    def check(self) -> None:
        """Let a document have what it needs: it is small, or its own reader bounds it."""


class _Look:
    """What is found in one file, or in the archive that it is."""

    def __init__(self, source: RawSource, config: CleanConfig, scratch: Path, until: float) -> None:
        self._source, self._config, self._scratch, self._until = source, config, scratch, until
        self._readings, self._skipped, self._openings = list[FileReading](), list[str](), list[Opening]()
        self._documents = self._largest = 0
        self._text_bytes = 0.0
        self.sample, self._sample_characters = list[str](), 0
        self._expansion, self._is_whole = _Beginnings(), True

    def result(self) -> FilePreview:
        """Look at it, and say what is there."""
        path = Path(self._source.path)
        size, share = path.stat().st_size, 1.0
        if size > MAX_BYTES and _is_plain(path):
            with path.open("rb") as stream:
                looked_at, _ = _write_beginning(stream, self._scratch / "beginning")
            path, share = self._scratch / "beginning", looked_at / size
        settings = ReadingSettings.of(self._config)
        for found in files_of(path, self._source, self._scratch, self._expansion, self._skip, settings):
            self._read(found, share)
            if self._is_over():
                self._is_whole = False
                break
        if self._expansion.bytes and not self._is_whole:
            self._text_bytes *= max(1.0, PACKED_SHARE * size / self._expansion.bytes)
        return FilePreview(
            name=self._source.name,
            readings=tuple(self._readings[:MAX_READINGS]),
            skipped=tuple(self._skipped[:MAX_READINGS]),
            openings=tuple(self._openings),
            documents=self._documents,
            text_bytes=round(self._text_bytes),
            largest_document_bytes=self._largest,
            whole=self._is_whole,
        )

    def _is_over(self) -> bool:
        return time.monotonic() > self._until

    def _skip(self, name: str, reason: str) -> None:
        """Note what is not read, but for damage that comes of looking at a beginning alone."""
        if not (self._expansion.is_cut and "damaged" in reason):
            self._skipped.append(f"{name}: {reason}")

    def _read(self, found: FoundFile, share: float) -> None:
        """Read a file of which only a share may be there."""
        file, before = found.file, self._text_bytes
        file.max_pages = MAX_PDF_PAGES
        is_cut = share < 1 or self._expansion.is_cut
        seen = _Seen()
        try:
            for passage in found.form.read(file):
                seen.count(passage)
                if passage.text is not None:
                    self._take(passage.text, file.name, passage.title or found.title)
                if self._text_bytes - before > MAX_TEXT_BYTES or self._is_over():
                    is_cut = True
                    break
        except Unreadable as error:
            if not (seen.documents and is_cut):
                self._skip(file.name, str(error))
            if not seen.documents:
                return
        if file.total:
            share = min(1.0, (file.amount or seen.rows) / file.total)
        self._documents += seen.documents
        self._text_bytes = before + (self._text_bytes - before) / share
        self._is_whole &= not (is_cut or share < 1)
        self._readings.append(_reading(file, seen, share, is_cut=is_cut))

    def _take(self, text: str, name: str, title: str) -> None:
        config = self._config
        text, _ = clean_text(text, CleaningCounts(), repair=config.repair_encoding, join=config.join_hyphenated)
        size = len(text.encode("utf-8", "replace"))
        self._text_bytes += size
        self._largest = max(self._largest, size)
        if self._sample_characters < SAMPLE_CHARACTERS:
            self.sample.append(text[: SAMPLE_CHARACTERS - self._sample_characters])
            self._sample_characters += len(self.sample[-1])
        if len(self._openings) < MAX_OPENINGS and text.strip():
            self._openings.append(Opening(source=name, title=title, opening=text[:OPENING_CHARACTERS]))


class _Seen:
    """What came of a file so far."""

    def __init__(self) -> None:
        self.rows = self.documents = 0
        self.is_one_document = False

    def count(self, passage: Passage) -> None:
        """Count one more."""
        self.rows += 1
        self.documents += passage.text is not None
        self.is_one_document = not passage.number


def _reading(file: InputFile, seen: _Seen, share: float, *, is_cut: bool) -> FileReading:
    """How a file is read; of how much, about, where a share of it was seen."""
    estimated = share < 1 or is_cut
    amount = seen.documents if file.amount is None else file.amount
    if seen.is_one_document and file.amount is None:
        amount, estimated = 1, False
    else:
        amount = _about(amount / share, amount)
    reading = Reading(file.name, file.kind, file.how, amount, file.unit, file.left_out)
    sentence = reading.sentence(estimated=estimated) + _told_guess(file.encoding)
    return FileReading(**reading._asdict(), sentence=sentence)


def _told_guess(found: Detected | None) -> str:
    return f"; its encoding is a guess: {found.encoding}, or {found.alternative}" if found and found.alternative else ""


def _about(estimate: float, counted: int) -> int:
    """An estimate in two digits; what was counted where it is that."""
    return counted if round(estimate) <= counted else int(round(estimate, 1 - int(math.log10(estimate))))


def _is_plain(path: Path) -> bool:
    with path.open("rb") as stream:
        return file_kind(stream.read(HEAD_BYTES)) in ("text", "a web page")


def _write_beginning(stream: IO[bytes], target: Path) -> tuple[int, bool]:
    """Write the first MAX_BYTES of a stream, to the end of a line; return how many, and whether they are all."""
    content = bytearray()
    while len(content) <= MAX_BYTES and (block := stream.read(MAX_BYTES)):
        content += block
    is_whole = len(content) <= MAX_BYTES
    if not is_whole:
        del content[MAX_BYTES:]
        del content[content.rfind(b"\n") + 1 or _last_character(content) :]
    target.write_bytes(content)
    return len(content), is_whole


def _last_character(content: bytes | bytearray) -> int:
    """Where the last character begins, if this is UTF-8 that was cut."""
    ends = range(len(content) - 1, max(len(content) - 5, 0), -1)
    return next((place for place in ends if content[place] >= FIRST_BYTE), len(content))
