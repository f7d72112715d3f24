"""What can be asked of the clean stage."""

from typing import Any, Literal

from pydantic import Field, field_validator

from lm.config import StageConfig

VERSION = 7

# What a quality filter rejects for, and the setting that lets it in.
FILTERS = {
    "too few words": "clean.minimum_words=0",
    "mostly symbols": "clean.maximum_symbols=1",
    "repeats itself": "clean.maximum_repeated=1",
    "another language": "clean.languages=",
}


class CleanConfig(StageConfig):
    """How text is cleaned and split."""

    heldout_fraction: float = Field(
        0.1, gt=0.0, le=0.5, description="share of the text that is held out: no training sees it"
    )
    heldout_bytes: int = Field(
        4_000_000,
        ge=1,
        description="most bytes that are held out; of a large corpus, the rest of that share is trained on",
    )
    split: Literal["auto", "document", "source", "contiguous"] = Field(
        "auto", description="auto: by document, long ones cut; document, source: whole; contiguous: the end of all text"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the choice of held-out documents")
    near_duplicates: Literal["together", "drop", "ignore"] = Field(
        "together",
        description="documents that resemble each other: on one side of the split, one kept, or not looked for",
    )
    text_columns: tuple[str, ...] = Field(
        (), description="columns of tables that hold the text, joined in this order; empty: found by what is in them"
    )
    separator: str | None = Field(
        None, min_length=1, description="what stands between the documents of a text file, such as <|endoftext|> or ---"
    )
    encoding: tuple[str, ...] = Field(
        (),
        description="encoding of the files that are not UTF-8, such as cp1250, or of some: letters/*.txt=koi8-r; "
        "empty: found by their letters",
    )
    repair_encoding: bool = Field(True, description="repair lines that were decoded wrongly by an earlier program")
    join_hyphenated: bool = Field(
        True, description="join words that were hyphenated at line ends, where the text has them whole elsewhere"
    )
    minimum_words: int = Field(1, ge=0, description="documents with fewer words are dropped; Gopher: 50")
    maximum_symbols: float = Field(0.95, ge=0.0, le=1.0, description="highest share of symbols; web text: 0.2; 1: any")
    maximum_repeated: float = Field(
        0.999, ge=0.0, le=1.0, description="highest share of repeated runs of five words; web text: 0.3; 1: any"
    )
    languages: tuple[str, ...] = Field((), description="languages to keep, such as en, de; empty: all")
    max_expanded_bytes: int = Field(2**36, gt=0, description="most bytes that all archives together may expand to")

    @field_validator("encoding", mode="before")
    @classmethod
    def _listed(cls, encoding: Any) -> Any:
        return tuple(encoding.split(",")) if isinstance(encoding, str) else encoding

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: tuple[str, ...]) -> tuple[str, ...]:
        for setting in encoding:
            name = setting.rpartition("=")[2]
            try:
                "text".encode(name)
            except (LookupError, ValueError):  # unknown, no encoding of text, or no name
                raise ValueError(f"{name!r} is no encoding that Python knows, such as cp1250 or koi8-r") from None
        return encoding
