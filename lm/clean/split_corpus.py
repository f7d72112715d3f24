"""Splits a cleaned corpus: gathers its documents as texts and turns what is decided of texts back into documents."""

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    text_of: Integers  # the text that each kept document is, or is a part of
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
            alike = len(np.unique(gathered.texts.units)) < 2
            why = "all documents are alike" if alike else "too little text on one side of a split by document"
            split = made("contiguous", split_contiguously(gathered.texts, *amounts), why)
    if split.too_small:
        raise BadInput(_told_too_little(split, config.heldout_fraction))
    return split


def _gather(corpus: CleanedCorpus, repeats: Repeats, before: TrainedBefore, config: "CleanConfig") -> _Gathered:
    """Join the parts of each text, and the texts of each unit."""
    rows = np.flatnonzero(repeats.keep)
    numbers = np.cumsum(corpus.begins)[rows]
    _, first, text_of = np.unique(numbers, return_index=True, return_inverse=True)
    firsts, labels = rows[first], repeats.labels.copy()
    merge(labels, rows, firsts[text_of])
    if config.split == "source":
        identities = corpus.source_keys
        _, chosen, sources = np.unique(identities, return_index=True, return_inverse=True)
        merge(labels, np.arange(len(labels)), chosen[sources])
    else:
        identities = _identities(corpus, rows, repeats.labels)
        identities[rows] = identities[firsts[text_of]]
    positions = unit_positions(identities, labels, config.seed)
    characters = corpus.characters[rows].astype(np.int64)
    ends = np.cumsum(characters)
    starts = ends - characters - (ends - characters)[first][text_of]
    trained = np.zeros(len(firsts), np.int64)
    np.maximum.at(trained, text_of, np.where(before.characters[rows] > 0, starts + before.characters[rows], 0))
    was_cut = np.zeros(len(firsts), np.bool_)
    was_cut[text_of[before.was_cut[rows]]] = True
    texts = Texts(
        bytes=np.bincount(text_of, corpus.sizes[rows]).astype(np.int64),
        characters=np.bincount(text_of, characters).astype(np.int64),
        units=np.unique(labels[firsts], return_inverse=True)[1],
        positions=positions[firsts],
        trained=trained,
        was_cut=was_cut,
    )
    return _Gathered(texts, text_of, starts)


def _identities(corpus: CleanedCorpus, rows: Integers, labels: Labels) -> Hashes:
    """What places a document: its opening, which stays when it grows; its content, where unlike ones open alike."""
    identities = corpus.ids.copy()
    _, opening = np.unique(corpus.opening_ids[rows], return_inverse=True)
    lowest, highest = np.full(len(rows), len(labels), np.int64), np.zeros(len(rows), np.int64)
    np.minimum.at(lowest, opening, labels[rows])
    np.maximum.at(highest, opening, labels[rows])
    own = (lowest == highest)[opening]
    identities[rows[own]] = corpus.opening_ids[rows[own]]
    return identities


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
