"""Finds what of a corpus trained before: documents, or their beginnings, on the training side of earlier artifacts.

A document is known again by the hash of its content. One that changed is looked up by its source and title: the end of
what trained of it is found in its new text, wherever text was added or changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lm.clean.cleaned_corpus import CleanedCorpus
from lm.text.documents import row_groups
from lm.text.shingles import Hashes
from lm.text.splits import Split

ANCHOR_CHARACTERS = 256  # looked for in the new text of a document that changed
MAX_ANCHOR_CHARACTERS = 2**25  # of all of them; documents beyond it train whole


class Anchor(NamedTuple):
    """A stretch of text that trained, and how many characters after it did."""

    text: str
    after: int


class Head(NamedTuple):
    """What trained of a document that is no longer the same, or was cut."""

    was_cut: bool
    anchors: list[Anchor]


class TrainedBefore(NamedTuple):
    """What trained before of each document: (documents,) each."""

    characters: npt.NDArray[np.uint32]  # at its beginning
    was_cut: npt.NDArray[np.bool_]  # and the rest was held out

    @classmethod
    def nothing(cls, documents: int) -> Self:
        """What trained of a corpus that is new."""
        return cls(np.zeros(documents, np.uint32), np.zeros(documents, np.bool_))

    def add(self, number: int, characters: int, was_cut: bool) -> None:
        """Note what an earlier artifact has of a document."""
        self.characters[number] = max(int(self.characters[number]), characters)
        self.was_cut[number] |= was_cut


def trained_before(corpus: CleanedCorpus, earlier: Sequence[Path]) -> TrainedBefore:
    """Look up all documents of a corpus in the folders of earlier clean artifacts.

    Memory: some forty bytes for each document of either, and MAX_ANCHOR_CHARACTERS.
    """
    before = TrainedBefore.nothing(len(corpus.ids))
    names = _names(corpus.names()) if earlier else np.empty(0, np.uint64)
    for clean in earlier:
        _look_up(corpus, names, clean, before)
    return before


def _look_up(corpus: CleanedCorpus, names: Hashes, clean: Path, before: TrainedBefore) -> None:
    trained, heldout = _ids(clean, "train"), _ids(clean, "heldout")
    cut = np.intersect1d(trained, heldout)
    known, was_cut = np.isin(corpus.ids, trained), np.isin(corpus.ids, cut)
    whole = known & ~was_cut
    before.characters[whole] = corpus.characters[whole]
    trained_names = _names(row_groups(clean, "train", ("source", "title")))
    changed = np.isin(names, np.setdiff1d(trained_names, names[known])) & ~known & ~np.isin(corpus.ids, heldout)
    if was_cut.any() or changed.any():
        by_id, by_name = _read_heads(clean, cut, corpus.ids[was_cut], names[changed])
        for number in np.flatnonzero(was_cut).tolist():
            before.add(number, by_id[int(corpus.ids[number])], True)
        _look_for(by_name, corpus, names, changed, before)


def _read_heads(clean: Path, cut: Hashes, ids: Hashes, names: Hashes) -> tuple[dict[int, int], dict[int, Head]]:
    """Return the trained characters of the documents with these ids, and what trained of those with these names.

    No anchors are kept of documents beyond MAX_ANCHOR_CHARACTERS.
    """
    by_id, by_name, characters = dict[int, int](), dict[int, Head](), 0
    for table in row_groups(clean, "train", ("document_id", "source", "title", "text")):
        found, named = _numbers(table), _names([table])
        for row in np.flatnonzero(np.isin(found, ids) | np.isin(named, names)).tolist():
            text = table["text"][row].as_py()
            by_id[int(found[row])] = len(text)
            anchors = list(_anchors(text)) if characters < MAX_ANCHOR_CHARACTERS else []
            by_name[int(named[row])] = Head(bool(np.isin(found[row], cut)), anchors)
            characters += sum(len(anchor.text) for anchor in anchors)
    return by_id, by_name


def _look_for(
    heads: dict[int, Head],
    corpus: CleanedCorpus,
    names: Hashes,
    changed: npt.NDArray[np.bool_],
    before: TrainedBefore,
) -> None:
    """Find how far the documents that changed trained."""
    first = 0
    for table in corpus.tables():
        for row in np.flatnonzero(changed[first : first + len(table)]).tolist():
            head, text = heads[int(names[first + row])], table["text"][row].as_py()
            characters = _trained_end(text, head.anchors) if head.anchors else len(text)
            before.add(first + row, characters, head.was_cut and characters > 0)
        first += len(table)


def _anchors(text: str) -> Iterator[Anchor]:
    """Stretches of a text that trained, from its end backwards, ever farther apart; the last is its beginning."""
    end = len(text)
    while end > ANCHOR_CHARACTERS:
        yield Anchor(text[end - ANCHOR_CHARACTERS : end], len(text) - end)
        end -= max(ANCHOR_CHARACTERS, (len(text) - end) // 4)
    beginning = text[:ANCHOR_CHARACTERS]
    yield Anchor(beginning, len(text) - len(beginning))


def _trained_end(text: str, anchors: Iterable[Anchor]) -> int:
    """How many characters of a text trained at most; 0 where no anchor is found."""
    for anchor in anchors:
        place = text.rfind(anchor.text)
        if place >= 0:
            return min(place + len(anchor.text) + anchor.after, len(text))
    return 0


def _ids(clean: Path, split: Split) -> Hashes:
    parts = [_numbers(table) for table in row_groups(clean, split, ("document_id",))]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *parts]))


def _numbers(table: pa.Table) -> Hashes:
    return np.array([int(name, 16) for name in table["document_id"].to_pylist()], np.uint64)


def _names(tables: Iterable[pa.Table]) -> Hashes:
    """Hash the source and title of each document."""
    hashes = [
        int.from_bytes(blake2b(f"{source}\0{title}".encode(), digest_size=8).digest())
        for table in tables
        for source, title in zip(table["source"].to_pylist(), table["title"].to_pylist(), strict=True)
    ]
    return np.array(hashes, np.uint64)
