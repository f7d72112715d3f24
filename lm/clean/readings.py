"""What was met while files were read, and how each of them was read: counted, added up and told."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lm.clean.encoding_detection import Detected

NAMED_GUESSES = 20
NAMED_LACKING = 20
NAMED_SKIPS = 200  # files that are named; further ones are counted
NAMED_READINGS = 200  # of one source, and of a corpus
TOLD_READINGS = 3  # in a line of the terminal


class Skipped(NamedTuple):
    """A file that could not be read, and why."""

    name: str
    reason: str


class FileReading(NamedTuple):
    """How one file was read: `export.csv: table, column body, 1,500 rows; 3 columns left out: id, date, url`."""

    name: str  # "" for the source itself, so that the counts of many alike are equal
    kind: str  # such as "table"
    how: str = ""  # such as "column body"
    amount: int = 0
    unit: str = "documents"
    left_out: str = ""

    def sentence(self, *, estimated: bool = False) -> str:
        """Say it in a line; the amount may be known but about."""
        unit = _singular(self.unit) if self.amount == 1 else self.unit
        told = ", ".join(filter(None, (self.kind, self.how, f"{'about ' * estimated}{self.amount:,} {unit}")))
        return f"{self.name}: {told}" + (f"; {self.left_out}" if self.left_out else "")


def _singular(unit: str) -> str:
    return unit.removesuffix("ies") + "y" if unit.endswith("ies") else unit.removesuffix("s")


@dataclass(slots=True)
class ReadingCounts:
    """What was met on the way."""

    encodings: dict[str, int] = field(default_factory=dict)  # files of each
    guessed_files: int = 0  # whose encoding is not certain
    guessed_encodings: dict[str, str] = field(default_factory=dict)  # of the first ones: the guess and an alternative
    kinds: dict[str, int] = field(default_factory=dict)  # files that were read as each
    lacking_files: int = 0  # tables without all columns that were asked for
    lacking: list[str] = field(default_factory=list)  # the first of them, and what they lack
    rejects: int = 0  # lines or rows that hold no text
    skipped_files: int = 0
    skipped_reasons: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    readings: list[FileReading] = field(default_factory=list)  # of what is more than plain text

    def decode(self, name: str, found: Detected) -> None:
        """Count a file by its encoding."""
        self.encodings[found.encoding] = self.encodings.get(found.encoding, 0) + 1
        if found.alternative:
            self.guessed_files += 1
            if len(self.guessed_encodings) < NAMED_GUESSES:
                self.guessed_encodings[name] = f"{found.encoding}, or {found.alternative}"

    def lack(self, name: str, columns: Iterable[str]) -> None:
        """Count a table that has not all columns that were asked for."""
        self.lacking_files += 1
        if len(self.lacking) < NAMED_LACKING:
            self.lacking.append(f"{name} has no column {', '.join(columns)}")

    def skip(self, name: str, reason: str) -> None:
        """Count a file that is not read."""
        self.skipped_files += 1
        self.skipped_reasons[reason] += 1
        if len(self.skipped) < NAMED_SKIPS:
            self.skipped.append(Skipped(name, reason))

    def note(self, reading: FileReading) -> None:
        """Keep how a file was read; a stretch of the file before it counts with that."""
        last = self.readings[-1] if self.readings else None
        if last and last._replace(amount=0) == reading._replace(amount=0) and last.name:
            self.readings[-1] = last._replace(amount=last.amount + reading.amount)
        elif len(self.readings) < NAMED_READINGS:
            self.readings.append(reading)

    def add(self, other: "ReadingCounts", source: str = "") -> None:
        """Count what another has counted too, in the source of this name."""
        for mine, others in ((self.encodings, other.encodings), (self.kinds, other.kinds)):
            for name, files in others.items():
                mine[name] = mine.get(name, 0) + files
        self.guessed_files += other.guessed_files
        for name, guess in other.guessed_encodings.items():
            if len(self.guessed_encodings) < NAMED_GUESSES:
                self.guessed_encodings[name] = guess
        self.lacking_files += other.lacking_files
        self.lacking += other.lacking[: NAMED_LACKING - len(self.lacking)]
        self.rejects += other.rejects
        self.skipped_files += other.skipped_files
        self.skipped_reasons.update(other.skipped_reasons)
        self.skipped += other.skipped[: NAMED_SKIPS - len(self.skipped)]
        for reading in other.readings:
            self.note(reading._replace(name=reading.name or source))


def told_readings(readings: Iterable[FileReading]) -> str:
    """How files were read, in one line: files that were read alike are told together."""
    alike: dict[tuple[str, str, str, str], list[FileReading]] = {}
    for reading in readings:
        alike.setdefault((reading.kind, reading.how, reading.unit, reading.left_out), []).append(reading)
    told = [_told_together(group) for group in sorted(alike.values(), key=len, reverse=True)]
    more = f"; and {len(told) - TOLD_READINGS:,} more ways (see the report)" if len(told) > TOLD_READINGS else ""
    return "; ".join(told[:TOLD_READINGS]) + more


def _told_together(group: list[FileReading]) -> str:
    if len(group) == 1:
        return group[0].sentence()
    together = group[0]._replace(
        name=f"{group[0].name} and {len(group) - 1:,} more", amount=sum(reading.amount for reading in group)
    )
    return together.sentence()
