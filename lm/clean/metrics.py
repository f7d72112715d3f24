"""What the clean stage says of the documents."""

from pydantic import BaseModel, Field

from lm.config import StageMetrics
from lm.text.splits import Split, TextUnit


class SourceSize(BaseModel, frozen=True):
    """How much clean text a source has."""

    documents: int
    bytes: int
    characters: int


class RejectSample(BaseModel, frozen=True):
    """A document that was dropped: where it was, why, and how it begins."""

    source: str
    title: str
    value: str = ""
    opening: str


class FileReading(BaseModel, frozen=True):
    """How a file was read; the sentence says all of it: `export.csv: table, column body, 1,500 rows; …`."""

    name: str
    kind: str
    how: str = ""
    amount: int = 0
    unit: str = "documents"
    left_out: str = ""
    sentence: str


class Opening(BaseModel, frozen=True):
    """How a document begins, as it is trained on."""

    source: str
    title: str
    opening: str


class Overlap(BaseModel, frozen=True):
    """How many of the held-out runs of 13 words stand in the training text too."""

    runs: int
    found: int
    sampled: float = 1.0  # share of the runs that was looked at
    share: float


class CleanMetrics(StageMetrics):
    """Size of both sides of the split, and what was dropped or changed on the way."""

    train_documents: int
    train_bytes: int
    train_characters: int
    heldout_documents: int
    heldout_bytes: int
    heldout_characters: int
    longest_document_bytes: int
    openings: tuple[Opening, ...] = ()  # of a few documents of the training text
    unspaced_share: float = 0.0  # characters in long runs without a space, for each byte of training text
    split: str  # how the text was split
    cut_documents: int = 0  # of which the last part is held out
    warnings: tuple[str, ...] = ()
    sources: dict[str, SourceSize] = Field(default_factory=dict)  # by name
    licences: dict[str, dict[str, int]] = Field(default_factory=dict)  # bytes of each licence, by source
    encodings: dict[str, int] = Field(default_factory=dict)  # files of each
    rejects: int = 0  # lines or rows that hold no text
    kinds: dict[str, int] = Field(default_factory=dict)  # files that were read as each
    readings: tuple[FileReading, ...] = ()  # how files were read that are more than plain text: the first of many
    guessed_files: int = 0  # whose encoding is not certain
    guessed_encodings: dict[str, str] = Field(default_factory=dict)  # of the first ones, each with an alternative
    lacking_files: int = 0  # tables without all columns that were asked for
    lacking: tuple[str, ...] = ()  # the first of them, and what they lack
    skipped_files: int = 0  # that were not read
    skipped_reasons: dict[str, int] = Field(default_factory=dict)  # files of each
    skipped: tuple[str, ...] = ()  # the first of them, each with its reason
    dropped_empty: int = 0  # documents
    boilerplate_bytes: int = 0  # cut off, such as Project Gutenberg's licence
    control_characters: int = 0  # removed
    replaced_characters: int = 0  # that could not be decoded
    repaired_lines: int = 0  # that had been decoded wrongly before
    line_breaks: int = 0  # vertical tabs, form feeds and the like that became line ends
    joined_words: int = 0  # that were hyphenated at line ends
    dropped_duplicates: int = 0  # documents
    near_duplicate_clusters: int = 0  # of documents that resemble each other
    near_duplicate_documents: int = 0  # in these clusters
    dropped_near_duplicates: int = 0  # documents
    cleaned_sources: int = 0  # that were cleaned now, not earlier
    rejected: dict[str, int] = Field(default_factory=dict)  # documents of each reason
    reject_samples: dict[str, tuple[RejectSample, ...]] = Field(default_factory=dict)  # of each reason
    contamination: Overlap | None = None  # of held-out with training text

    @property
    def text_bytes(self) -> int:
        """Bytes of text on both sides of the split."""
        return self.train_bytes + self.heldout_bytes

    def count(self, split: Split, unit: TextUnit) -> int:
        """Documents, bytes or characters on one side of the split."""
        number: int = getattr(self, f"{split}_{unit}")
        return number
