"""The clean stage: raw files in, clean documents out, each on one side of the split."""

from collections.abc import Iterable
from itertools import chain, islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from lm.config import StageConfig
from lm.errors import BadInput
from lm.progress import Progress

if TYPE_CHECKING:
    from lm.cleaning import CleanDocument

VERSION = 1

# With less held-out text than this a model cannot be told from a baseline: a byte's loss has a standard deviation of
# some 2.5 bits, so 500 bytes give bits per byte to ±0.2. Less training text than this has fewer different words than
# the smallest vocabulary has pieces.
MINIMUM_CHARACTERS = {"train": 2_000, "heldout": 500}


class CleanConfig(StageConfig):
    """How text is cleaned and split."""

    heldout_fraction: float = Field(0.1, gt=0.0, le=0.5, description="share of the text that no training sees")
    split: Literal["auto", "document", "contiguous"] = Field(
        "auto", description="auto: by document where there are several, contiguous for one"
    )


def clean(raw: Path, config: CleanConfig, out: Path, progress: Progress) -> dict[str, Any]:
    """Clean the raw artifact's folder `raw` and write `documents.parquet` into `out`; return what was done.

    Memory: the longest document a few times over, and about a hundred bytes for each document.
    Raises BadInput when too little text is left on either side, or one document is too long to hold.
    """
    from lm.cleaning import CleanPass  # brings pyarrow, which readers of the config need not load

    cleaned = CleanPass(raw, progress)
    documents = iter(cleaned)
    first = list(islice(documents, 2))
    if not first:
        raise BadInput(f"there is no text in this corpus ({cleaned.describe_drops()}): give it some")
    if config.split == "document" and len(first) < 2:
        raise BadInput("a split by document needs two documents and the corpus has one: leave clean.split at auto")

    by_document = config.split == "document" or (config.split == "auto" and len(first) == 2)
    if by_document:
        written = _write_by_document(chain(first, documents), config, out)
        by_document = config.split == "document" or not _too_small(written)
    if not by_document:
        if len(first) == 2:
            total = sum(len(document.text) for document in CleanPass(raw, progress))
            cleaned = CleanPass(raw, progress)
            written = _write_contiguously(cleaned, total, config, out)
        else:
            written = _write_contiguously(first, len(first[0].text), config, out)
    if _too_small(written):
        raise BadInput(_too_little(written, config.heldout_fraction))
    split = "document" if by_document else "contiguous"
    notes = [*cleaned.notes(), *_split_notes(written, config, split, documents=len(first))]
    return written | cleaned.metrics() | {"split": split, "summary": _summary(written, split), "notes": notes}


def _write_by_document(documents: Iterable["CleanDocument"], config: CleanConfig, out: Path) -> dict[str, Any]:
    from lm.documents import Document, write_documents
    from lm.splitting import hash_position, split_by_document

    sides = split_by_document(documents, lambda document: hash_position(document.document_id), config.heldout_fraction)
    return write_documents((Document(d.document_id, d.source, d.text, split, d.title) for d, split in sides), out)


def _write_contiguously(
    documents: Iterable["CleanDocument"], characters: int, config: CleanConfig, out: Path
) -> dict[str, Any]:
    from lm.documents import Document, write_documents
    from lm.splitting import split_contiguously

    pieces = split_contiguously(documents, lambda d: d.text, int((1 - config.heldout_fraction) * characters))
    return write_documents((Document(d.document_id, d.source, text, split, d.title) for d, text, split in pieces), out)


def _too_small(written: dict[str, Any]) -> bool:
    return any(written[f"{split}_characters"] < minimum for split, minimum in MINIMUM_CHARACTERS.items())


def _too_little(written: dict[str, Any], heldout_fraction: float) -> str:
    train, heldout = (written[f"{split}_characters"] for split in ("train", "heldout"))
    least_train, least_heldout = MINIMUM_CHARACTERS["train"], MINIMUM_CHARACTERS["heldout"]
    needed = ceil(max(least_train / (1 - heldout_fraction), least_heldout / heldout_fraction))
    advice = "add text" if train + heldout < needed else "leave clean.split at auto or add documents"
    return (
        f"too little text: {train + heldout:,} characters once clean, {train:,} to train on and {heldout:,} held out; "
        f"at least {needed:,} are needed, {least_train:,} to train on and {least_heldout:,} held out: {advice}"
    )


def _summary(written: dict[str, Any], split: str) -> str:
    heldout = written["heldout_characters"]
    total = written["train_characters"] + heldout
    how = "by document" if split == "document" else "the end of the text"
    return f"{total:,} characters, {heldout / total:.1%} of them held out ({how})"


def _split_notes(written: dict[str, Any], config: CleanConfig, split: str, documents: int) -> list[str]:
    """What the user did not ask for and should know."""
    heldout = written["heldout_characters"]
    share = heldout / (written["train_characters"] + heldout)
    if split == "contiguous" and config.split == "auto" and documents > 1:
        return ["too little text on one side of a split by document: the end of the whole text is held out instead"]
    if split == "document" and not config.heldout_fraction / 3 < share < config.heldout_fraction * 3:
        asked = f"{config.heldout_fraction:.0%} was asked for, but documents are kept whole and there are few of them"
        return [f"{share:.1%} of the text is held out: {asked}"]
    return []
