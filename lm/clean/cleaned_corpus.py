"""All documents of a corpus, cleaned: assembled from parts, to be compared with each other and split."""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lm.arrow.arrays import take_rows
from lm.clean.assembly import Assembly
from lm.clean.document_writer import COLUMNS
from lm.clean.near_duplicates import BANDS, Labels, Sketches
from lm.clean.part_counts import PartCounts
from lm.clean.parts import Part
from lm.clean.readers.registry import PAGE
from lm.clean.readings import ReadingCounts, told_readings
from lm.clean.rejects import RejectWriter
from lm.formatting import counted, format_text_size
from lm.progress import Progress
from lm.text.shingles import Hashes

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig

SLICES_BITS = 4
MAX_TOLD_DROPS = 4  # reasons that an error names
REJECTED = ("source", "title", "reason", "value", "opening", "bytes")  # what the writer of rejects is given
SIGHT = (*REJECTED, "document_id", "opening_id", "characters", "part", "bands")  # no text, no runs


class CleanedCorpus:
    """What all parts hold together: the documents that were kept, and what was met.

    Documents are numbered in order, rejects left out. Memory: 31 bytes for each document and a megabyte of them.
    """

    def __init__(
        self, parts: Sequence[Part], config: "CleanConfig", scratch: Path, rejects: RejectWriter, progress: Progress
    ) -> None:
        self._assembly, self._config, self._rejects = Assembly(parts), config, rejects
        self.counts = PartCounts()
        for part in parts:
            self.counts.add(PartCounts.from_json(part.counts), part.source)
        self._ids, self._opening_ids, self._source_keys = array("Q"), array("Q"), array("Q")
        self._sizes, self._characters, self._begins, self._next_begins = array("I"), array("I"), array("B"), True
        self._sketches = Sketches(scratch) if config.near_duplicates != "ignore" else None
        rows, total = 0, sum(part.end_row - part.first_row for part in parts)
        for table in self._assembly.tables(SIGHT):
            self._look_at(table)
            rows += len(table)
            progress(rows, total, "documents", "comparing")
        for name, reason in self.counts.reading.skipped:
            rejects.write(name, name, f"not read: {reason}")

    def _look_at(self, table: pa.Table) -> None:
        reasons = table["reason"].to_pylist()
        rejected = take_rows(table.select(REJECTED), [row for row, reason in enumerate(reasons) if reason])
        for values in zip(*rejected.to_pydict().values(), strict=True):
            self._rejects.write(*values)
        kept = take_rows(table, [row for row, reason in enumerate(reasons) if not reason])
        self._ids.extend(int(name, 16) for name in kept["document_id"].to_pylist())
        self._opening_ids.extend(int(name, 16) for name in kept["opening_id"].to_pylist())
        self._sizes.extend(kept["bytes"].to_pylist())
        self._characters.extend(kept["characters"].to_pylist())
        self._begins.extend(self._beginnings(reasons, table["part"].to_pylist()))
        if self._config.split == "source":
            hashes = (hashlib.sha256(source.encode()).digest() for source in kept["source"].to_pylist())
            self._source_keys.extend(int.from_bytes(digest[:8]) for digest in hashes)
        if self._sketches:
            self._sketches.add(np.frombuffer(b"".join(kept["bands"].to_pylist()), np.uint64).reshape(-1, BANDS))

    def _beginnings(self, reasons: Sequence[str], parts: Sequence[int]) -> Iterator[bool]:
        """Tell of each document that is no reject whether it begins a text; a reject may have been the first part."""
        for reason, part in zip(reasons, parts, strict=True):
            self._next_begins |= part <= 1
            if not reason:
                yield self._next_begins
                self._next_begins = False

    @property
    def ids(self) -> npt.NDArray[np.uint64]:
        """The beginning of the hash of each document, as a number: (documents,)."""
        return np.frombuffer(self._ids, np.uint64)

    @property
    def opening_ids(self) -> npt.NDArray[np.uint64]:
        """The beginning of the hash of the opening of each document, as a number: (documents,)."""
        return np.frombuffer(self._opening_ids, np.uint64)

    @property
    def source_keys(self) -> npt.NDArray[np.uint64]:
        """The beginning of the hash of the source of each, where the split needs it: (documents,)."""
        return np.frombuffer(self._source_keys, np.uint64)

    @property
    def sizes(self) -> npt.NDArray[np.uint32]:
        """Bytes of each document: (documents,)."""
        return np.frombuffer(self._sizes, np.uint32)

    @property
    def characters(self) -> npt.NDArray[np.uint32]:
        """Characters of each document: (documents,)."""
        return np.frombuffer(self._characters, np.uint32)

    @property
    def begins(self) -> npt.NDArray[np.bool_]:
        """Mark the documents that begin a text; the others are later parts of the one before: (documents,)."""
        return np.frombuffer(self._begins, np.bool_)

    def tables(self) -> Iterator[pa.Table]:
        """All documents, by the columns that `document_writer.py` writes; a megabyte of them or one at a time."""
        for table in self._assembly.tables((*COLUMNS, "reason")):
            kept = [row for row, reason in enumerate(table["reason"].to_pylist()) if not reason]
            yield take_rows(table.select(COLUMNS), kept)

    def names(self) -> Iterator[pa.Table]:
        """The sources and titles of all documents, in tables."""
        for table in self._assembly.tables(("source", "title", "reason")):
            yield take_rows(table, [row for row, reason in enumerate(table["reason"].to_pylist()) if not reason])

    def sampled_runs(self, wanted: npt.NDArray[np.bool_]) -> Iterator[Hashes]:
        """The sample of the runs of words (`contamination.py`) of the documents that are `wanted`: (documents,)."""
        first = 0
        for table in self._assembly.tables(("reason", "runs")):
            kept = [runs for reason, runs in zip(*table.to_pydict().values(), strict=True) if not reason]
            chosen = wanted[first : first + len(kept)]
            first += len(kept)
            yield np.frombuffer(b"".join(compress(kept, chosen)), np.uint64)

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

    def metrics(self) -> dict[str, Any]:
        """What was met: encodings, rejects, what was taken out."""
        reading = asdict(self.counts.reading)
        reading["skipped_reasons"] = dict(sorted(self.counts.reading.skipped_reasons.items()))
        reading["readings"] = [
            found._asdict() | {"sentence": found.sentence()} for found in self.counts.reading.readings
        ]
        reading["skipped"] = [f"{name}: {reason}" for name, reason in self.counts.reading.skipped[:20]]
        return reading | asdict(self.counts.cleaning)

    def notes(self) -> list[str]:
        """What was done to the text, in sentences, where it was anything."""
        counts, reading = self.counts.cleaning, self.counts.reading
        others = sorted(set(reading.encodings) - {"utf-8"})
        pages = reading.kinds.get(PAGE.name, 0)
        told_apart = [found for found in reading.readings if found.kind != PAGE.name]
        told = {
            f"{counts.dropped_empty:,} empty documents were dropped": counts.dropped_empty,
            f"{format_text_size(counts.boilerplate_bytes)} of headers and footers of Project Gutenberg were removed": (
                counts.boilerplate_bytes
            ),
            f"{counts.control_characters:,} control characters were removed": counts.control_characters,
            f"{counts.replaced_characters:,} characters could not be decoded": counts.replaced_characters,
            f"{counts.repaired_lines:,} lines that had been decoded wrongly were repaired": counts.repaired_lines,
            f"{counts.line_breaks:,} vertical tabs, form feeds and the like became line ends": counts.line_breaks,
            f"{counts.joined_words:,} words hyphenated at line ends were joined (clean.join_hyphenated)": (
                counts.joined_words
            ),
            f"{reading.rejects:,} lines or rows hold no document": reading.rejects,
            f"not all of it is UTF-8: found {', '.join(others)}": len(others),
            _told_guesses(reading): reading.guessed_files,
            f"{pages:,} web pages were read for their main text": pages,
            f"how it was read: {told_readings(told_apart)}": len(told_apart),
        }
        return [sentence for sentence, count in told.items() if count]

    def warnings(self) -> list[str]:
        """What was not read."""
        reading = self.counts.reading
        skipped = [_told_skipped(reading)] if reading.skipped_files else []
        return [*skipped, *([_told_lacking(reading)] if reading.lacking_files else [])]

    def describe_drops(self) -> str:
        """Say in a few words why documents were not kept."""
        dropped = dict(self._rejects.counts)
        dropped.update({"unreadable": self.counts.reading.rejects} if self.counts.reading.rejects else {})
        most = sorted(dropped.items(), key=lambda item: -item[1])[:MAX_TOLD_DROPS]
        return ", ".join(f"{count:,} {what}" for what, count in most) or "no files"


def _told_guesses(reading: ReadingCounts) -> str:
    named = [f"{name} was read as {guess}" for name, guess in list(reading.guessed_encodings.items())[:3]]
    more = ", …" if reading.guessed_files > len(named) else ""
    return (
        f"the encoding of {reading.guessed_files:,} files is a guess (clean.encoding decides): {', '.join(named)}{more}"
    )


def _told_lacking(reading: ReadingCounts) -> str:
    named = "; ".join(reading.lacking[:3]) + ("; …" if reading.lacking_files > 3 else "")
    return f"{counted(reading.lacking_files, 'table')} without a column that clean.text_columns names: {named}"


def _told_skipped(reading: ReadingCounts) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in reading.skipped_reasons.most_common(3))
    names = ", ".join(skipped.name for skipped in reading.skipped[:3]) + (", …" if reading.skipped_files > 3 else "")
    return f"{reading.skipped_files:,} files were skipped ({reasons}): {names}"
