"""From raw documents to clean ones, one at a time."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lm.decoding import drop_control_characters
from lm.gutenberg import strip_gutenberg
from lm.progress import Progress
from lm.quantities import format_text_size
from lm.raw_documents import RawDocument, ReadingCounts, read_raw, read_sources

PROGRESS_BYTES = 2**20
REPLACEMENT = "\ufffd"  # stands where bytes could not be decoded


@dataclass(frozen=True, slots=True)
class CleanDocument:
    """A document ready to be put on one side of the split; `document_id` is the hash of its text."""

    document_id: str
    source: str
    title: str
    text: str


@dataclass(slots=True)
class CleaningCounts:
    """What was taken out on the way."""

    dropped_empty: int = 0
    dropped_duplicates: int = 0
    boilerplate_bytes: int = 0
    control_characters: int = 0
    replaced_characters: int = 0


def clean_text(text: str, counts: CleaningCounts) -> str:
    """Take out what is no text and what Project Gutenberg put around it."""
    text, controls = drop_control_characters(text)
    counts.control_characters += controls
    counts.replaced_characters += text.count(REPLACEMENT)
    book = strip_gutenberg(text)
    if len(book) < len(text):
        counts.boilerplate_bytes += len(text.encode()) - len(book.encode())
    return book


def clean_documents(documents: Iterable[RawDocument], counts: CleaningCounts) -> Iterator[CleanDocument]:
    """Stream the documents cleaned, without those that are empty and those that were there before to the letter.

    Memory: one document, and about a hundred bytes for each that was seen.
    """
    seen = set[bytes]()
    for document in documents:
        text = clean_text(document.text, counts)
        if not text or text.isspace():
            counts.dropped_empty += 1
            continue
        digest = hashlib.sha256(text.encode()).digest()[:16]
        if digest in seen:
            counts.dropped_duplicates += 1
            continue
        seen.add(digest)
        yield CleanDocument(digest[:8].hex(), document.source, document.title, text)


class CleanPass:
    """One pass over a raw artifact's documents, cleaned, and what was met in it."""

    def __init__(self, raw: Path, progress: Progress) -> None:
        self.sources = read_sources(raw)
        self.reading, self.cleaning = ReadingCounts(), CleaningCounts()
        self._raw, self._progress = raw, progress

    def __iter__(self) -> Iterator[CleanDocument]:
        return clean_documents(self._read(), self.cleaning)

    def _read(self) -> Iterator[RawDocument]:
        total, done, reported = sum(source.bytes for source in self.sources), 0, 0
        for source in self.sources:
            for document in read_raw(self._raw, source, self.reading):
                yield document
                done += len(document.text)
                if done - reported >= PROGRESS_BYTES:
                    self._progress(min(done, total), total, "bytes", source.name)
                    reported = done
        self._progress(total, total, "bytes")

    def metrics(self) -> dict[str, Any]:
        """What was met: encodings, rejects, drops."""
        return asdict(self.reading) | asdict(self.cleaning)

    def notes(self) -> list[str]:
        """What was done to the text, in sentences, where it was anything."""
        counts, others = self.cleaning, sorted(set(self.reading.encodings) - {"utf-8"})
        told = {
            f"{counts.dropped_empty:,} empty documents were dropped": counts.dropped_empty,
            f"{counts.dropped_duplicates:,} documents were dropped that repeat another": counts.dropped_duplicates,
            f"{format_text_size(counts.boilerplate_bytes)} around Project Gutenberg's books were taken off": (
                counts.boilerplate_bytes
            ),
            f"{counts.control_characters:,} control characters were taken out": counts.control_characters,
            f"{counts.replaced_characters:,} characters could not be decoded": counts.replaced_characters,
            f"{self.reading.rejects:,} lines hold no document": self.reading.rejects,
            f"not all of it is UTF-8: found {', '.join(others)}": len(others),
        }
        return [sentence for sentence, count in told.items() if count]

    def describe_drops(self) -> str:
        """Say in a few words why documents were not kept."""
        dropped = {
            "empty": self.cleaning.dropped_empty,
            "duplicate": self.cleaning.dropped_duplicates,
            "unreadable": self.reading.rejects,
        }
        return ", ".join(f"{count:,} {what}" for what, count in dropped.items() if count) or "no files"
