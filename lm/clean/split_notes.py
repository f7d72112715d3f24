"""Tells in sentences what is held out and why."""

from typing import TYPE_CHECKING

from lm.clean.split_corpus import CorpusSplit
from lm.formatting import counted, format_text_size, listing

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig
    from lm.clean.contamination import Contamination
    from lm.clean.document_writer import WrittenDocuments

FURTHEST = 1 / 3  # that the share may be from what was asked for


def summary(split: CorpusSplit) -> str:
    """The amount of text and the share of it that is held out."""
    total = split.train_characters + split.heldout_characters
    how = "the end of the text" if split.how == "contiguous" else f"by {split.how}"
    return f"{total:,} characters, {split.heldout_characters / total:.1%} of them held out ({how})"


def notes(split: CorpusSplit, written: "WrittenDocuments", config: "CleanConfig") -> list[str]:
    """What is held out, and what the user did not ask for and should know."""
    instead = [f"{split.instead}: the end of the whole text is held out instead"] if split.instead else []
    share = split.heldout_characters / (split.train_characters + split.heldout_characters)
    told = f"{share:.1%} of the text is held out: {_what(split)}"
    if config.heldout_fraction * (written.train_bytes + written.heldout_bytes) > config.heldout_bytes:
        size = format_text_size(written.heldout_bytes)
        return [*instead, f"{told}; {size} are enough to measure with (clean.heldout_bytes)"]
    if abs(share / config.heldout_fraction - 1) > FURTHEST:
        told += f"; {config.heldout_fraction:.0%} was asked for, but {_why_not(split)}"
    return [*instead, told]


def _what(split: CorpusSplit) -> str:
    if split.how == "contiguous":
        return "its end"
    kinds = []
    if split.cut:
        kinds.append(f"the last part of {counted(split.cut, 'long document')}")
    if split.whole:
        kinds.append(counted(split.whole, "whole document"))
    return listing(kinds)


def _why_not(split: CorpusSplit) -> str:
    if split.trained_before:
        return "what trained before is never held out"
    if split.how in ("document", "source"):
        return "what stays together, whole documents or documents that resemble each other, does not come nearer"
    return "it has too few characters"


def told_overlap(overlap: "Contamination") -> str:
    """How much of the held-out text the training text has too."""
    sample = f" (a sample of {overlap.sampled:.1%})" if overlap.sampled < 1 else ""
    return (
        f"{overlap.share:.2%} of the held-out runs of 13 words{sample} are in the training text too: "
        f"{overlap.found:,} of {overlap.runs:,}"
    )
