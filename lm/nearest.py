"""Where a generated text comes nearest to the training text: their longest common stretch.

Every run of 8 bytes in the training text is read as one number and looked up among those of the generated texts;
where one is known, the match is followed to its end. One pass over the documents, in blocks: the memory it takes
does not grow with the training text, and nothing has to be built or kept beforehand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lm.documents import Document

SEED_BYTES = 8  # shorter matches are in any two texts of one language and say nothing
BLOCK_BYTES = 1 << 20
FILTER_BITS = 20
PAIRS_AT_ONCE = 1 << 20
BETWEEN_TEXTS, BETWEEN_DOCUMENTS = b"\xfe", b"\xff"  # in no UTF-8, and unlike each other: no match crosses them

Bytes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """The longest stretch that a text shares with the searched documents, and where it was found first."""

    source: str
    document_id: str
    text: str

    @property
    def characters(self) -> int:
        """Length of the shared stretch."""
        return len(self.text)


def longest_matches(texts: Sequence[str], documents: Iterable[Document]) -> list[Match | None]:
    """Find the longest stretch of each text in the documents; the first where several are equally long.

    None for a text that shares no 8 bytes with them.
    """
    wanted = _Wanted(texts)
    best: list[Match | None] = [None] * len(texts)
    longest = np.zeros(len(texts), np.int64)  # bytes
    if not len(wanted.keys):
        return best
    for block in _blocks(documents, wanted.longest_bytes):
        for text_index, start, length in wanted.matches(block.data, longest):
            document = block.document_at(start)
            shared = block.data[start : start + length].decode(errors="ignore")  # whole characters only
            longest[text_index] = length
            best[text_index] = Match(document.source, document.document_id, shared)
    return best


class _Wanted:
    """The texts whose matches are wanted, arranged for lookup."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [text.encode() for text in texts]
        self.longest_bytes = max(map(len, encoded), default=0)
        self.data = _array(BETWEEN_TEXTS + b"".join(text + BETWEEN_TEXTS for text in encoded) + b"\xfe" * SEED_BYTES)
        self.starts = 1 + np.cumsum([0] + [len(text) + 1 for text in encoded])
        inside = [
            np.arange(start, start + len(text) - SEED_BYTES + 1)
            for start, text in zip(self.starts, encoded, strict=False)
        ]
        places = np.concatenate([*inside, np.empty(0, np.int64)]).astype(np.int64)
        keys = _seeds(self.data)[places]
        order = np.argsort(keys, kind="stable")
        self.keys, self.places = keys[order], places[order]
        self.filter = np.zeros(1 << FILTER_BITS, np.bool_)
        self.filter[_filter_slots(keys)] = True

    def matches(self, block: bytes, longest: Rows) -> Iterator[tuple[int, int, int]]:
        """Yield (text, start in the block, bytes) of matches longer than `longest`, which the caller keeps current."""
        data = _array(block)
        seeds = _seeds(data)
        found = np.flatnonzero(self.filter[_filter_slots(seeds)])
        first = np.searchsorted(self.keys, seeds[found], "left")
        pairs = np.cumsum(np.searchsorted(self.keys, seeds[found], "right") - first)
        begin = 0
        while begin < len(found):  # a stretch of found places at a time, so that repetitive texts stay in memory
            done = pairs[begin - 1] if begin else 0
            end = max(int(np.searchsorted(pairs, done + PAIRS_AT_ONCE, "right")), begin + 1)
            counts = np.diff(pairs[begin:end], prepend=done)
            here = np.repeat(found[begin:end], counts)
            rows = np.repeat(first[begin:end] - np.cumsum(counts) + counts, counts) + np.arange(len(here))
            yield from self._longest(data, here, self.places[rows], longest)
            begin = end

    def _longest(self, data: Bytes, here: Rows, there: Rows, longest: Rows) -> Iterator[tuple[int, int, int]]:
        """Follow pairs of equal seeds to their ends; yield the longest of each text, the first where equal."""
        begins = data[here - 1] != self.data[there - 1]  # else the pair before this one has the same match, and more
        here, there = here[begins], there[begins]
        lengths = np.full(len(here), SEED_BYTES)
        alive = np.arange(len(here))
        while len(alive):
            alive = alive[data[here[alive] + lengths[alive]] == self.data[there[alive] + lengths[alive]]]
            lengths[alive] += 1
        text_of = np.searchsorted(self.starts, there, "right") - 1
        best_first = np.lexsort((here, -lengths, text_of))
        texts, rows = np.unique(text_of[best_first], return_index=True)
        for text, row in zip(texts, best_first[rows], strict=True):
            if lengths[row] > longest[text]:
                yield int(text), int(here[row]), int(lengths[row])


@dataclass(frozen=True)
class _Block:
    data: bytes
    starts: list[int]
    documents: list[Document]

    def document_at(self, place: int) -> Document:
        return self.documents[int(np.searchsorted(self.starts, place, "right")) - 1]


def _blocks(documents: Iterable[Document], overlap_bytes: int) -> Iterator[_Block]:
    """Join documents into blocks of about BLOCK_BYTES; a longer one is cut, with an overlap no match outgrows."""
    data, starts, inside = bytearray(BETWEEN_DOCUMENTS), list[int](), list[Document]()
    for document in documents:
        encoded = document.text.encode()
        for begin in range(0, max(len(encoded), 1), BLOCK_BYTES):
            starts.append(len(data))
            inside.append(document)
            data += encoded[begin : begin + BLOCK_BYTES + overlap_bytes] + BETWEEN_DOCUMENTS
            if len(data) >= BLOCK_BYTES:
                yield _Block(bytes(data) + BETWEEN_DOCUMENTS * SEED_BYTES, starts, inside)
                data, starts, inside = bytearray(BETWEEN_DOCUMENTS), [], []
    if inside:
        yield _Block(bytes(data) + BETWEEN_DOCUMENTS * SEED_BYTES, starts, inside)


def _array(data: bytes) -> Bytes:
    return np.frombuffer(data, np.uint8)


def _seeds(data: Bytes) -> npt.NDArray[np.uint64]:
    """The 8 bytes from every place as one number, without copying."""
    shape = (max(len(data) - SEED_BYTES + 1, 0),)
    return np.ndarray(shape, np.dtype("<u8"), data, strides=(1,))


def _filter_slots(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Spread keys over the filter's slots (Fibonacci hashing)."""
    return ((keys * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - FILTER_BITS)).astype(np.int64)
