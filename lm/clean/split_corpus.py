"""Splits a cleaned corpus: gathers its documents as texts and turns what is decided of texts back into documents."""

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from lm.clean.cleaned_corpus import CleanedCorpus
from lm.clean.near_duplicates import Labels, merge
from lm.clean.repeats import Repeats
from lm.clean.splitting import (
    Integers,
    Mask,
    Texts,
    split_by_document,
    split_contiguously,
    split_whole,
    unit_positions,
)
from lm.clean.trained_before import TrainedBefore
from lm.errors import BadInput
from lm.text.shingles import Hashes

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig

# With less held-out text than this a model cannot be told from a baseline: a byte's loss has a standard deviation of
# some 2.5 bits, so 500 bytes give bits per byte to ±0.2. Less training text than this has fewer different words than
# the smallest vocabulary has pieces.
MIN_TRAIN_CHARACTERS, MIN_HELDOUT_CHARACTERS = 2_000, 500


SLICES_BITS = 4  # openings are compared a sixteenth at a time

Numbers = npt.NDArray[np.uint32]


class CorpusSplit(NamedTuple):
    """How a corpus is split."""

    how: str  # as clean.split has it, auto decided
    heads: Integers  # characters at the beginning of each document that train: (documents,)
    keep: Mask  # (documents,)
    whole: int  # texts that are held out whole
    cut: int  # texts whose last part is held out
    train_characters: int
    heldout_characters: int
    trained_before: bool  # something of it did, in an earlier artifact
    instead: str  # why it is not split as it would have been

    @property
    def too_small(self) -> bool:
        """Whether one side has too little text."""
        return self.train_characters < MIN_TRAIN_CHARACTERS or self.heldout_characters < MIN_HELDOUT_CHARACTERS


class _Gathered(NamedTuple):
    texts: Texts
    text_of: Numbers  # the text that each kept document is, or is a part of
    starts: Integers  # characters of that text before each kept document


def split_corpus(corpus: CleanedCorpus, repeats: Repeats, before: TrainedBefore, config: "CleanConfig") -> CorpusSplit:
    """Decide what of each document trains. Raises BadInput when too little text is left on either side."""
    gathered = _gather(corpus, repeats, before, config)
    asked, amounts = config.split, (config.heldout_fraction, config.heldout_bytes)

    def made(how: str, heads: Integers, instead: str = "") -> CorpusSplit:
        return _of_documents(corpus, repeats.keep, before, gathered, how, heads, instead)

    if asked in ("document", "source"):
        try:
            split = made(asked, split_whole(gathered.texts, *amounts))
        except ValueError as error:
            raise BadInput(
                f"a split by {asked} needs two that do not resemble each other and the corpus has one: leave "
                "clean.split at auto"
            ) from error
    elif asked == "contiguous" or len(gathered.texts.bytes) < 2:
        split = made("contiguous", split_contiguously(gathered.texts, *amounts))
    else:
        split = made("document", split_by_document(gathered.texts, *amounts))
        if split.too_small:
            alike = not gathered.texts.units.any()
            why = "all documents are alike" if alike else "too little text on one side of a split by document"
            split = made("contiguous", split_contiguously(gathered.texts, *amounts), why)
    if split.too_small:
        raise BadInput(_told_too_little(split, config.heldout_fraction))
    return split


def _gather(corpus: CleanedCorpus, repeats: Repeats, before: TrainedBefore, config: "CleanConfig") -> _Gathered:
    """Join the parts of each text, and the texts of each unit."""
    rows = np.flatnonzero(repeats.keep)
    begins = np.diff(np.cumsum(corpus.begins, dtype=np.uint32)[rows], prepend=np.uint32(0)) > 0
    text_of = np.cumsum(begins, dtype=np.uint32) - np.uint32(1)
    firsts = rows[begins]
    labels = repeats.labels.copy()
    merge(labels, rows[~begins], firsts[text_of[~begins]])
    positions = _positions(corpus, rows, firsts[text_of], labels, repeats.labels, config)
    sizes, characters, starts = corpus.sizes[rows], corpus.characters[rows], _starts(corpus, rows, begins, text_of)
    trained, was_cut = np.zeros(len(firsts), np.int64), np.zeros(len(firsts), np.bool_)
    here = np.flatnonzero(before.characters[rows])
    np.maximum.at(trained, text_of[here], starts[here] + before.characters[rows[here]])
    was_cut[text_of[before.was_cut[rows]]] = True
    texts = Texts(
        bytes=np.bincount(text_of, sizes).astype(np.int64),
        characters=np.bincount(text_of, characters).astype(np.int64),
        units=_ranks(labels[firsts], len(labels)),
        positions=positions[firsts],
        trained=trained,
        was_cut=was_cut,
    )
    return _Gathered(texts, text_of, starts)


def _starts(corpus: CleanedCorpus, rows: Integers, begins: Mask, text_of: Numbers) -> Integers:
    """How many characters of its text stand before each kept document."""
    starts = np.zeros(len(rows), np.int64)
    np.cumsum(corpus.characters[rows[:-1]], out=starts[1:])
    starts -= starts[begins][text_of]
    return starts


def _positions(
    corpus: CleanedCorpus, rows: Integers, firsts: Integers, labels: Labels, clusters: Labels, config: "CleanConfig"
) -> Hashes:
    """Place the unit of each document; `firsts` are the first parts of the texts of `rows`.

    By source, `labels` are merged where documents have one source.
    """
    if config.split == "source":
        _, chosen, sources = np.unique(corpus.source_keys, return_index=True, return_inverse=True)
        merge(labels, np.arange(len(labels)), chosen[sources])
        return unit_positions(corpus.source_keys, labels, config.seed)
    identities = corpus.ids.copy()
    for part in range(1 << SLICES_BITS):
        here = rows[corpus.opening_ids[rows] >> np.uint64(64 - SLICES_BITS) == part]
        identities[here] = _identities(corpus, here, clusters)
    identities[rows] = identities[firsts]
    return unit_positions(identities, labels, config.seed)


def _identities(corpus: CleanedCorpus, rows: Integers, clusters: Labels) -> Hashes:
    """What places a document: its opening, which stays when it grows; its content, where unlike ones open alike."""
    openings, opening = np.unique(corpus.opening_ids[rows], return_inverse=True)
    lowest, highest = np.full(len(openings), len(clusters), np.int64), np.zeros(len(openings), np.int64)
    np.minimum.at(lowest, opening, clusters[rows])
    np.maximum.at(highest, opening, clusters[rows])
    return np.where((lowest == highest)[opening], openings[opening], corpus.ids[rows])


def _ranks(labels: Labels, documents: int) -> Numbers:
    """Number the labels that there are from 0."""
    found = np.zeros(documents, np.bool_)
    found[labels] = True
    return (np.cumsum(found, dtype=np.uint32) - np.uint32(1))[labels]


def _of_documents(
    corpus: CleanedCorpus,
    keep: Mask,
    before: TrainedBefore,
    gathered: _Gathered,
    how: str,
    text_heads: Integers,
    instead: str,
) -> CorpusSplit:
    texts, text_of, starts = gathered
    rows = np.flatnonzero(keep)
    heads = np.zeros(len(keep), np.int64)
    heads[rows] = np.clip(text_heads[text_of] - starts, before.characters[rows], corpus.characters[rows])
    train_characters = int(heads.sum())
    return CorpusSplit(
        how=how,
        heads=heads,
        keep=keep,
        whole=int(np.count_nonzero(text_heads == 0)),
        cut=int(np.count_nonzero((text_heads > 0) & (text_heads < texts.characters))),
        train_characters=train_characters,
        heldout_characters=int(texts.characters.sum()) - train_characters,
        trained_before=bool(texts.trained.any()),
        instead=instead,
    )


def _told_too_little(split: CorpusSplit, heldout_fraction: float) -> str:
    train, heldout = split.train_characters, split.heldout_characters
    needed = ceil(max(MIN_TRAIN_CHARACTERS / (1 - heldout_fraction), MIN_HELDOUT_CHARACTERS / heldout_fraction))
    advice = "add text" if train + heldout < needed else "leave clean.split at auto or add documents"
    if split.trained_before and train + heldout >= needed:
        advice = "the rest of it trained before and is not held out any more: add text"
    return (
        f"too little text: {train + heldout:,} characters once clean, {train:,} to train on and {heldout:,} held out; "
        f"at least {needed:,} are needed, {MIN_TRAIN_CHARACTERS:,} to train on and {MIN_HELDOUT_CHARACTERS:,} held "
        f"out: {advice}"
    )
