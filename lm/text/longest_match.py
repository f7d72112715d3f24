"""Where a generated text comes nearest to the training text: their longest common stretch.

Runs of bytes in the training text, the seeds, are looked up among those of the generated texts; where one is known,
the match is followed to its end. Once a text has a match, only seeds that a longer one must hold are looked up. One
pass over the documents, in blocks: the memory it takes does not grow with the training text, and nothing has to be
built or kept beforehand.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.text.documents import Document
from lm.text.seeds import Rows, SeedTable, seeds_of
from lm.text.snippet import SHOWN_BYTES, surroundings

SEED_BYTES = 8  # shorter matches are in any two texts of one language and say nothing
MAX_SEED_BYTES = 64
FIRST_BLOCK_BYTES, BLOCK_BYTES = 1 << 15, 1 << 20
FILTER_BITS = 20
BETWEEN_TEXTS, BETWEEN_DOCUMENTS = b"\xfe", b"\xff"  # in no UTF-8, and unlike each other: no match crosses them

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Match:
    """The longest stretch that a text shares with the searched documents, and where it was found first."""

    source: str
    document_id: str
    title: str
    line: int  # of the document, from 1
    text: str
    before: str  # what stands around it there
    after: str

    @property
    def characters(self) -> int:
        """Length of the shared stretch."""
        return len(self.text)


def longest_matches(texts: Sequence[str], documents: Iterable[Document]) -> list[Match | None]:
    """Find the longest stretch of each text in the documents, in bytes; the first where several are equally long.

    None for a text that shares no 8 bytes with them.
    """
    wanted = _Wanted([text.encode() for text in texts])
    best: list[Match | None] = [None] * len(texts)
    for block in _blocks(documents, max(wanted.sizes, default=0)):
        for text_index, start, length in wanted.longer_matches(block.data):
            best[text_index] = block.match(start, length)
    return best


class _Wanted:
    """The texts whose matches are wanted, and how long the longest known of each is."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.sizes = [len(text) for text in texts]
        self.data = _array(
            BETWEEN_TEXTS + b"".join(text + BETWEEN_TEXTS for text in texts) + BETWEEN_TEXTS * SEED_BYTES
        )
        self.starts = 1 + np.cumsum([0] + [size + 1 for size in self.sizes])
        self.longest = np.zeros(len(texts), np.int64)
        self._table = lru_cache(maxsize=16)(self._make_table)

    def longer_matches(self, block: bytes) -> Iterator[tuple[int, int, int]]:
        """Yield (text, start in the block, bytes) of each match that is longer than any before."""
        groups: dict[int, list[int]] = {}
        for text, (size, longest) in enumerate(zip(self.sizes, self.longest.tolist(), strict=True)):
            if max(longest, SEED_BYTES - 1) < size:
                seed_bytes = min(max((longest + 1) // 8 * 8, SEED_BYTES), MAX_SEED_BYTES)
                groups.setdefault(seed_bytes, []).append(text)
        data = _array(block)
        for seed_bytes, texts in groups.items():
            table = self._table(seed_bytes, tuple(texts))
            seeds = seeds_of(data, seed_bytes)
            found = table.likely(seeds)
            for here, there in table.pairs(seeds[found], found):
                yield from self._longest_of(data, here, there)

    def _make_table(self, seed_bytes: int, texts: tuple[int, ...]) -> SeedTable:
        inside = [self.starts[text] + np.arange(self.sizes[text] - seed_bytes + 1) for text in texts]
        places = np.concatenate(inside)
        return SeedTable(seeds_of(self.data, seed_bytes)[places], places, FILTER_BITS)

    def _longest_of(self, data: Bytes, here: Rows, there: Rows) -> Iterator[tuple[int, int, int]]:
        """Follow pairs of equal seeds to their ends; of each text the longest, the first where equal, if it is new."""
        text_of = np.searchsorted(self.starts, there, "right") - 1
        reach = self.longest[text_of]
        within = (here + reach < len(data)) & (there + reach < len(self.data))
        here, there, text_of, reach = here[within], there[within], text_of[within], reach[within]
        begins = data[here - 1] != self.data[there - 1]  # else the pair before this one has the same match, and more
        begins &= data[here + reach] == self.data[there + reach]  # else it is no longer than what is known
        here, there, text_of = here[begins], there[begins], text_of[begins]
        lengths = np.zeros(len(here), np.int64)
        alive = np.arange(len(here))
        while len(alive):
            alive = alive[data[here[alive] + lengths[alive]] == self.data[there[alive] + lengths[alive]]]
            lengths[alive] += 1
        best_first = np.lexsort((here, -lengths, text_of))
        texts, rows = np.unique(text_of[best_first], return_index=True)
        for text, row in zip(texts.tolist(), best_first[rows].tolist(), strict=True):
            if lengths[row] > max(self.longest[text], SEED_BYTES - 1):
                self.longest[text] = lengths[row]
                yield text, int(here[row]), int(lengths[row])


class _Piece(NamedTuple):
    """A document, or a part of one, in a block."""

    start: int  # in the block
    document: Document
    newlines_before: int  # in the document


@dataclass(frozen=True)
class _Block:
    data: bytes
    pieces: list[_Piece]

    def match(self, start: int, length: int) -> Match:
        """What stands at a place of the block, and where that is."""
        piece = self.pieces[bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1]
        end = start + length
        rest = self.data.index(BETWEEN_DOCUMENTS, end)
        before, after = surroundings(self.data[piece.start : rest], start - piece.start, end - piece.start)
        return Match(
            source=piece.document.source,
            document_id=piece.document.document_id,
            title=piece.document.title,
            line=1 + piece.newlines_before + self.data.count(b"\n", piece.start, start),
            text=self.data[start:end].decode(errors="ignore"),  # whole characters only
            before=before,
            after=after,
        )


def _blocks(documents: Iterable[Document], overlap_bytes: int) -> Iterator[_Block]:
    """Join documents into blocks of about BLOCK_BYTES; a longer one is cut, with an overlap no match outgrows."""
    data, pieces = bytearray(BETWEEN_DOCUMENTS), list[_Piece]()
    size = min(FIRST_BLOCK_BYTES, BLOCK_BYTES)  # small at first: the search is faster once it has matches to exceed
    for document in documents:
        encoded = document.text.encode()
        position = newlines = counted = 0
        while position < len(encoded):
            begin = max(position - SHOWN_BYTES, 0)
            newlines += encoded.count(b"\n", counted, begin)
            counted = begin
            pieces.append(_Piece(len(data), document, newlines))
            data += encoded[begin : position + size + overlap_bytes + SHOWN_BYTES] + BETWEEN_DOCUMENTS
            position += size
            if len(data) >= size:
                yield _Block(bytes(data), pieces)
                data, pieces = bytearray(BETWEEN_DOCUMENTS), []
                size = min(2 * size, BLOCK_BYTES)
    if pieces:
        yield _Block(bytes(data), pieces)


def _array(data: bytes) -> Bytes:
    return np.frombuffer(data, np.uint8)
