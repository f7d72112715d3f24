"""Which text is held out.

By document: each document's own hash decides, so that adding documents moves none that was decided before.
Contiguous: the first part of the corpus trains and the rest is held out, the split of Karpathy's char-rnn.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lm.documents import Split

T = TypeVar("T")


def hash_position(document_id: str) -> float:
    """Where a hexadecimal hash stands in [0, 1): below the held-out fraction its document is held out."""
    return int(document_id, 16) / 16.0 ** len(document_id)


def split_by_document(
    items: Iterable[T], position: Callable[[T], float], heldout_fraction: float
) -> Iterator[tuple[T, Split]]:
    """Say of each item on which side it is, holding back only two of them.

    The item with the smallest position is always held out and the one with the largest always trains, whatever the
    fraction, so that neither side is empty: these two come last. Raises ValueError for fewer than two items.
    """
    waiting = iter(items)
    try:
        smallest, largest = sorted((next(waiting), next(waiting)), key=position)
    except StopIteration:
        raise ValueError("a split by document needs two documents at least") from None
    for item in waiting:
        smallest, item, largest = sorted((smallest, item, largest), key=position)
        yield item, "heldout" if position(item) < heldout_fraction else "train"
    yield smallest, "heldout"
    yield largest, "train"


def split_contiguously(
    items: Iterable[T], text_of: Callable[[T], str], training_characters: int
) -> Iterator[tuple[T, str, Split]]:
    """Yield each item with a piece of its text and its side: the first `training_characters` of all texts train."""
    left = training_characters
    for item in items:
        text = text_of(item)
        head, tail = text[:left], text[left:]
        if head:
            yield item, head, "train"
        if tail:
            yield item, tail, "heldout"
        left -= len(head)
