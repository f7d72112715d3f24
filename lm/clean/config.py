"""What can be asked of the clean stage."""

from typing import Literal

from pydantic import Field

from lm.config import StageConfig

VERSION = 6


class CleanConfig(StageConfig):
    """How text is cleaned and split."""

    heldout_fraction: float = Field(0.1, gt=0.0, le=0.5, description="share of the text that no training sees")
    heldout_bytes: int = Field(
        4_000_000, ge=1, description="most text that is held out: of a large corpus the rest of its share trains too"
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
    repair_encoding: bool = Field(True, description="mend lines that were decoded wrongly before they came here")
    minimum_words: int = Field(1, ge=0, description="documents with fewer words are dropped; Gopher: 50")
    maximum_symbols: float = Field(0.95, ge=0.0, le=1.0, description="most share of symbols; web text: 0.2; 1: any")
    maximum_repeated: float = Field(
        0.999, ge=0.0, le=1.0, description="most share of repeated runs of five words; web text: 0.3; 1: any"
    )
    languages: tuple[str, ...] = Field((), description="languages to keep, such as en, de; empty: all")
    max_expanded_bytes: int = Field(2**36, gt=0, description="most bytes that archives may expand to, all together")
