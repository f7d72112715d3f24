"""The first pass over a corpus: every document read, cleaned, judged, and set down for the second pass to split."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lm.archives import Expansion
from lm.decoding import drop_control_characters, repair_mojibake
from lm.filters import judge
from lm.gutenberg import gutenberg_licence, strip_gutenberg
from lm.licences import NOT_STATED
from lm.near_duplicates import Labels, Sketches
from lm.progress import Progress
from lm.quantities import format_text_size
from lm.raw_documents import read_sources
from lm.reading import RawDocument, ReadingCounts, read_raw
from lm.rejects import RejectWriter
from lm.shingles import hash_words
from lm.spool import CleanDocument, Spool

if TYPE_CHECKING:
    from lm.clean import CleanConfig

PROGRESS_BYTES = 2**20
BATCH_BYTES, BATCH_DOCUMENTS = 2**20, 4096
REPLACEMENT = "\ufffd"  # stands where bytes could not be decoded
SLICES_BITS = 4


@dataclass(slots=True)
class CleaningCounts:
    """What was taken out on the way."""

    dropped_empty: int = 0
    boilerplate_bytes: int = 0
    control_characters: int = 0
    replaced_characters: int = 0
    repaired_lines: int = 0


def clean_text(text: str, counts: CleaningCounts, *, repair: bool = True) -> str:
    """Take out what is no text and what Project Gutenberg put around it; mend lines decoded wrongly, if asked to."""
    text, controls = drop_control_characters(text)
    counts.control_characters += controls
    if not text.isascii():
        counts.replaced_characters += text.count(REPLACEMENT)
        if repair:
            text, lines = repair_mojibake(text)
            counts.repaired_lines += lines
    book = strip_gutenberg(text)
    if len(book) < len(text):
        counts.boilerplate_bytes += len(text.encode()) - len(book.encode())
    return book


class FirstPass:
    """All documents of a raw artifact, cleaned, in a spool; what was met; and how they resemble each other.

    Memory: a megabyte of documents or the longest one, and 15 bytes for each document.
    """

    def __init__(
        self, raw: Path, config: "CleanConfig", scratch: Path, rejects: RejectWriter, progress: Progress
    ) -> None:
        self.sources = read_sources(raw)
        self.reading, self.cleaning = ReadingCounts(), CleaningCounts()
        self._raw, self._config, self._scratch, self._progress = raw, config, scratch, progress
        self._rejects = rejects
        self._ids, self._source_keys, self._later_parts = array("Q"), array("Q"), array("B")
        self.spool = Spool(scratch / "documents.arrow")
        self._sketches = Sketches(scratch) if config.near_duplicates != "ignore" else None
        for batch in _batches(self._cleaned()):
            self._add(batch)
        self.spool.close()

    @property
    def ids(self) -> npt.NDArray[np.uint64]:
        """The beginning of the hash of each document in the spool, as a number: (documents,)."""
        return np.frombuffer(self._ids, np.uint64)

    @property
    def source_keys(self) -> npt.NDArray[np.uint64]:
        """The beginning of the hash of the source of each, where the split needs it: (documents,)."""
        return np.frombuffer(self._source_keys, np.uint64)

    def whole_documents(self, keep: npt.NDArray[np.bool_]) -> int:
        """How many documents were kept, the parts of a long one counted as one."""
        return int(np.count_nonzero(keep & (np.frombuffer(self._later_parts, np.uint8) == 0)))

    def first_of_equals(self) -> npt.NDArray[np.bool_]:
        """Mark each document that is not the repetition, to the letter, of one before it: (documents,)."""
        ids, first = self.ids, np.zeros(len(self._ids), np.bool_)
        for part in range(1 << SLICES_BITS):
            here = np.flatnonzero(ids >> np.uint64(64 - SLICES_BITS) == part)
            first[here[np.unique(ids[here], return_index=True)[1]]] = True
        return first

    def labels(self, keep: npt.NDArray[np.bool_]) -> Labels:
        """Label each document with its cluster of near-duplicates; see `Sketches.clusters`."""
        if self._sketches:
            return self._sketches.clusters(keep)
        return np.arange(len(self._ids), dtype=np.uint32)

    def _cleaned(self) -> Iterator[tuple[CleanDocument, int, bytes]]:
        for document, stated in self._read():
            text = clean_text(document.text, self.cleaning, repair=self._config.repair_encoding)
            if not text or text.isspace():
                self.cleaning.dropped_empty += 1
                self._rejects.write(document.source, document.title, "empty")
                continue
            encoded = text.encode()
            digest = hashlib.sha256(encoded).digest()[:8].hex()
            licence = document.licence or (stated if stated != NOT_STATED else gutenberg_licence(document.text))
            yield CleanDocument(digest, document.source, document.title, text, licence), document.part, encoded

    def _read(self) -> Iterator[tuple[RawDocument, str]]:
        """Yield each document, and the licence that is stated for its source."""
        total, done, reported = sum(source.bytes for source in self.sources), 0, 0
        expansion = Expansion(self._config.max_expanded_bytes)
        for source in self.sources:
            for document in read_raw(self._raw, source, self.reading, self._scratch, expansion):
                yield document, source.licence
                done += len(document.text)
                if done - reported >= PROGRESS_BYTES:
                    self._progress(min(done, total), total, "bytes", source.name)
                    reported = done
        for name, reason in self.reading.skipped:
            self._rejects.write(name, name, f"not read: {reason}")
        self._progress(total, total, "bytes")

    def _add(self, batch: list[tuple[CleanDocument, int, bytes]]) -> None:
        words = hash_words([encoded for _, _, encoded in batch])
        verdicts = judge([encoded for _, _, encoded in batch], words, self._config)
        for (document, part, encoded), verdict in zip(batch, verdicts, strict=True):
            if verdict:
                self._rejects.write(
                    document.source, document.title, verdict.reason, verdict.value, document.text, len(encoded)
                )
                continue
            self._ids.append(int(document.document_id, 16))
            self._later_parts.append(part > 1)
            if self._config.split == "source":
                self._source_keys.append(int.from_bytes(hashlib.sha256(document.source.encode()).digest()[:8]))
        kept = np.array([verdict is None for verdict in verdicts])
        if self._sketches:
            self._sketches.add(words.of(kept))
        self.spool.write([document for (document, _, _), stays in zip(batch, kept, strict=True) if stays])

    def metrics(self) -> dict[str, Any]:
        """What was met: encodings, rejects, what was taken out."""
        reading = asdict(self.reading)
        reading["skipped_reasons"] = dict(sorted(self.reading.skipped_reasons.items()))
        reading["skipped"] = [f"{name}: {reason}" for name, reason in self.reading.skipped[:20]]
        return reading | asdict(self.cleaning)

    def notes(self) -> list[str]:
        """What was done to the text, in sentences, where it was anything."""
        counts, reading = self.cleaning, self.reading
        others = sorted(set(reading.encodings) - {"utf-8"})
        columns = [f"{column} of {name}" for name, column in list(reading.text_columns.items())[:3]]
        told = {
            f"{counts.dropped_empty:,} empty documents were dropped": counts.dropped_empty,
            f"{format_text_size(counts.boilerplate_bytes)} around Project Gutenberg's books were taken off": (
                counts.boilerplate_bytes
            ),
            f"{counts.control_characters:,} control characters were taken out": counts.control_characters,
            f"{counts.replaced_characters:,} characters could not be decoded": counts.replaced_characters,
            f"{counts.repaired_lines:,} lines were mended that had been decoded wrongly": counts.repaired_lines,
            f"{reading.rejects:,} lines or rows hold no document": reading.rejects,
            f"not all of it is UTF-8: found {', '.join(others)}": len(others),
            f"{reading.web_pages:,} web pages were read for their main text": reading.web_pages,
            f"the text of tables is in {', '.join(columns)}": len(columns),
        }
        return [sentence for sentence, count in told.items() if count]

    def warnings(self) -> list[str]:
        """What was not read."""
        return [_told_skipped(self.reading)] if self.reading.skipped_files else []

    def describe_drops(self) -> str:
        """Say in a few words why documents were not kept."""
        dropped = dict(self._rejects.counts)
        dropped.update({"unreadable": self.reading.rejects} if self.reading.rejects else {})
        return ", ".join(f"{count:,} {what}" for what, count in dropped.items()) or "no files"


def _batches(
    documents: Iterable[tuple[CleanDocument, int, bytes]],
) -> Iterator[list[tuple[CleanDocument, int, bytes]]]:
    """About a megabyte of documents at a time; a longer one by itself."""
    batch, size = list[tuple[CleanDocument, int, bytes]](), 0
    for document in documents:
        if batch and (size + len(document[2]) > BATCH_BYTES or len(batch) == BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document[2])
    if batch:
        yield batch


def _told_skipped(reading: ReadingCounts) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in reading.skipped_reasons.most_common(3))
    names = ", ".join(skipped.name for skipped in reading.skipped[:3]) + (", …" if reading.skipped_files > 3 else "")
    return f"{reading.skipped_files:,} files were skipped ({reasons}): {names}"
