"""Where a text comes from: the longest stretches that it shares with the training text, and where they stand there.

No index is built or kept. The training text is read once, as bytes; at every 8th place the next 16 bytes are looked up
among all stretches of 16 bytes of the traced text, so a shared stretch of 23 bytes or more is never missed. Each hit is
followed to both its ends. Where nothing is found, shorter stretches are looked for.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from lm.errors import BadInput
from lm.text.byte_keys import combine
from lm.text.seeds import Rows, SeedTable, seeds_of
from lm.text.snippet import surroundings
from lm.text.text_blocks import TextBlock, text_blocks

SEED_BYTES, STRIDE = 16, 8  # a multiple of 8, and a divisor of 8
SHORT_SEED_BYTES, SHORT_STRIDE = 8, 4  # finds stretches of 11 bytes
MIN_BYTES = SHORT_SEED_BYTES
MAX_TEXT_BYTES = 1 << 20
FILTER_BITS = 16
MAX_STRETCHES, KEPT_STRETCHES = 4096, 256  # before and after a clearing
ONES = np.uint64(0x0101010101010101)
BEFORE, AFTER = b"\xfe", b"\xff"  # in no UTF-8: no stretch goes beyond the ends of the text

Bytes = npt.NDArray[np.uint8]


class Passage(BaseModel, frozen=True):
    """A stretch of the traced text, and the first place where the training text has it too."""

    text: str
    first_character: int  # of the traced text
    places: int  # in the training text
    source: str
    licence: str
    document_id: str
    title: str
    line: int  # of the clean document, from 1
    before: str  # what stands around it there, in that line and its neighbours
    after: str


class _Place(NamedTuple):
    """The first place of a stretch, and how many there are."""

    passage: Passage
    places: int


class _Stretch(NamedTuple):
    """Bytes [start, end) of the traced text."""

    start: int
    end: int


def trace(text: str, clean: Path, most: int = 5) -> list[Passage]:
    """Find the longest stretches that a text shares with the training text of a clean artifact's folder.

    Longest first; no two overlap by half. Raises BadInput for a text that is too short, too long, or no text.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadInput("the text holds lone surrogates, which are no characters: give it as UTF-8") from None
    if size < MIN_BYTES:
        raise BadInput(f"got {size} bytes of text: expected {MIN_BYTES} or more, for any text has the shorter ones")
    if size > MAX_TEXT_BYTES:
        raise BadInput(f"got {size:,} bytes of text: expected {MAX_TEXT_BYTES:,} at most; trace a part of it")
    if size < SHORT_SEED_BYTES + SHORT_STRIDE - 1:
        return shared_passages(text, text_blocks(clean, "train"), most, SHORT_SEED_BYTES, 1)
    return shared_passages(text, text_blocks(clean, "train"), most) or shared_passages(
        text, text_blocks(clean, "train"), most, SHORT_SEED_BYTES, SHORT_STRIDE
    )


def shared_passages(
    text: str, blocks: Iterable[TextBlock], most: int, seed_bytes: int = SEED_BYTES, stride: int = STRIDE
) -> list[Passage]:
    """The same for blocks of text: finds every shared stretch of `seed_bytes + stride - 1` bytes or more."""
    wanted = _Wanted(text.encode(), seed_bytes)
    found: dict[_Stretch, _Place] = {}
    for block in _read_ahead(blocks):
        for stretch, start, places in wanted.stretches_in(block, stride):
            known = found.get(stretch)
            if known:
                found[stretch] = known._replace(places=known.places + places)
            elif passage := wanted.passage(block, stretch, start):
                found[stretch] = _Place(passage, places)
        if len(found) > MAX_STRETCHES:
            found = {stretch: found[stretch] for stretch in _choose(found, KEPT_STRETCHES)}
    return [
        found[stretch].passage.model_copy(update={"places": found[stretch].places}) for stretch in _choose(found, most)
    ]


def _read_ahead(blocks: Iterable[TextBlock]) -> Iterator[TextBlock]:
    """The blocks: each is read by another thread while the one before is looked through."""
    with ThreadPoolExecutor(1) as reader:
        waiting = iter(blocks)
        coming = reader.submit(next, waiting, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, waiting, None)
            yield block


def _choose(stretches: Iterable[_Stretch], most: int) -> list[_Stretch]:
    """The longest, in that order, but none that half lies within one chosen before."""
    chosen: list[_Stretch] = []
    for stretch in sorted(stretches, key=lambda each: (each.start - each.end, each.start)):
        half = (stretch.end - stretch.start) / 2
        if all(min(stretch.end, other.end) - max(stretch.start, other.start) < half for other in chosen):
            chosen.append(stretch)
            if len(chosen) == most:
                break
    return chosen


class _Wanted:
    """The traced text, and where its seeds stand in it. Runs of one character are no seeds: they are layout."""

    def __init__(self, text: bytes, seed_bytes: int) -> None:
        self.text, self.seed_bytes = text, seed_bytes
        self.data = np.frombuffer(BEFORE + text + AFTER * seed_bytes, np.uint8)
        eights = seeds_of(self.data, 8)
        places = np.arange(1, len(text) - seed_bytes + 2)
        run = eights[places] == self.data[places] * ONES
        run &= eights[places] == eights[places + seed_bytes - 8]
        places = places[~run]
        self.table = SeedTable(seeds_of(self.data, seed_bytes)[places], places, FILTER_BITS, eights[places])

    def stretches_in(self, block: TextBlock, stride: int) -> Iterator[tuple[_Stretch, int, int]]:
        """Yield each stretch that a block shares with the text, its first place there, and how many places it has."""
        for phase in range(0, 8, stride):
            count = max((len(block.data) - phase) // 8, 0)
            eights = block.data[phase : phase + 8 * count].view(np.dtype("<u8"))
            words = self.seed_bytes // 8
            likely = self.table.likely(eights[: max(count - words + 1, 0)])
            seeds = combine([eights[likely + word] for word in range(words)])
            for here, there in self.table.pairs(seeds, likely * 8 + phase):
                yield from self._follow(block, there, here)

    def _follow(self, block: TextBlock, there: Rows, here: Rows) -> Iterator[tuple[_Stretch, int, int]]:
        """Follow equal seeds to both ends of what is shared, but never beyond a document."""
        order = np.lexsort((here, here - there))
        there, here = there[order], here[order]
        document = np.searchsorted(block.ends, here, "right") - 1
        first = np.ones(len(here), np.bool_)  # unless the seed before is in the same stretch
        first[1:] = (np.diff(here - there) != 0) | (np.diff(here) != 8) | (np.diff(document) != 0)
        there, here, document = there[first], here[first], document[first]
        left = self._reach(block.data, there, here, here - block.ends[document], -1)
        right = self._reach(block.data, there, here, block.ends[document + 1] - here, 1)
        long_enough = left + right >= self.seed_bytes
        spans = np.stack([there - left - 1, there + right - 1, here - left], axis=1)[long_enough]
        spans = np.unique(spans, axis=0)  # by stretch, then by place
        if len(spans):
            firsts = np.flatnonzero(np.any(np.diff(spans[:, :2], axis=0, prepend=-1), axis=1))
            counts = np.diff(firsts, append=len(spans))
            for (start, end, place), places in zip(spans[firsts].tolist(), counts.tolist(), strict=True):
                yield _Stretch(start, end), place, places

    def _reach(self, data: Bytes, there: Rows, here: Rows, room: Rows, step: int) -> Rows:
        """How many bytes are equal from each pair of places on, in one direction; the place itself counts as right."""
        lengths = np.zeros(len(here), np.int64)
        alive = np.flatnonzero(room > 0)
        shift = 0 if step > 0 else 1
        while len(alive):
            offsets = step * (lengths[alive] + shift)
            alive = alive[data[here[alive] + offsets] == self.data[there[alive] + offsets]]
            lengths[alive] += 1
            alive = alive[lengths[alive] < room[alive]]
        return lengths

    def passage(self, block: TextBlock, stretch: _Stretch, place: int) -> Passage | None:
        """The stretch with what stands around it; None where it holds no whole character beside white space."""
        index = int(np.searchsorted(block.ends, place, "right")) - 1
        first, last = block.ends[index : index + 2].tolist()
        document, content = block.document(index), block.data[first:last].tobytes()
        begin, end = place - first, place - first + stretch.end - stretch.start
        text = content[begin:end].decode(errors="ignore")  # whole characters only
        if not text.strip():
            return None
        before, after = surroundings(content, begin, end)
        return Passage(
            text=text,
            first_character=len(self.text[: stretch.start].decode(errors="ignore")),
            places=1,
            source=document.source,
            licence=document.licence,
            document_id=document.document_id,
            title=document.title,
            line=content.count(b"\n", 0, begin) + 1,
            before=before,
            after=after,
        )
