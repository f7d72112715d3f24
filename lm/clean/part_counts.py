"""What was met in a shard: how its files were read, and what was taken out of the text."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Self

from lm.clean.readings import FileReading, ReadingCounts, Skipped


@dataclass(slots=True)
class CleaningCounts:
    """What was taken out on the way."""

    dropped_empty: int = 0
    boilerplate_bytes: int = 0
    control_characters: int = 0
    replaced_characters: int = 0
    repaired_lines: int = 0
    line_breaks: int = 0  # that were not \n or \r\n
    joined_words: int = 0

    def add(self, other: "CleaningCounts") -> None:
        """Count what another has counted too."""
        for name, count in asdict(other).items():
            setattr(self, name, getattr(self, name) + count)


@dataclass(slots=True)
class PartCounts:
    """What was met in one shard."""

    reading: ReadingCounts = field(default_factory=ReadingCounts)
    cleaning: CleaningCounts = field(default_factory=CleaningCounts)
    expanded_bytes: int = 0

    def as_json(self) -> str:
        """All that is not zero or empty."""
        kept: dict[str, object] = {
            name: {each.name: value for each in fields(counts) if (value := getattr(counts, each.name))}
            for name, counts in (("reading", self.reading), ("cleaning", self.cleaning))
        }
        return json.dumps(kept | {"expanded_bytes": self.expanded_bytes})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The same again."""
        value = json.loads(text)
        reading = ReadingCounts(**value["reading"])
        reading.skipped = [Skipped(*skipped) for skipped in reading.skipped]
        reading.skipped_reasons = Counter(reading.skipped_reasons)
        reading.readings = [FileReading(*found) for found in reading.readings]
        return cls(reading, CleaningCounts(**value["cleaning"]), value["expanded_bytes"])

    def add(self, other: "PartCounts", source: str = "") -> None:
        """Count what another has counted too, in the source of this name."""
        self.reading.add(other.reading, source)
        self.cleaning.add(other.cleaning)
        self.expanded_bytes += other.expanded_bytes
