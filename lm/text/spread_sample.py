"""A sample of texts in bounded memory, spread evenly over all of them."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator

STRETCH_CHARACTERS = 16_384  # what the sample is made of: enough lines to be cheap, few enough to be spread well


def spread_sample(texts: Iterable[str], sample_bytes: int) -> list[str]:
    """Keep stretches of the texts, in order, up to `sample_bytes` (UTF-8), chosen by the hash of their number.

    All of a text that fits is kept. Only the sample is ever held in memory.
    """
    heap: list[tuple[bytes, int, str, int]] = []  # the largest hash on top: it is the first to go
    kept_bytes = 0
    for number, stretch in enumerate(stretch for text in texts for stretch in _stretches(text)):
        rank = bytes(255 - byte for byte in hashlib.sha256(str(number).encode()).digest())
        size = len(stretch.encode("utf-8", "surrogatepass"))
        heapq.heappush(heap, (rank, number, stretch, size))
        kept_bytes += size
        while kept_bytes > sample_bytes:
            kept_bytes -= heapq.heappop(heap)[3]
    return [stretch for _, _, stretch, _ in sorted(heap, key=lambda kept: kept[1])]


def _stretches(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        end = text.rfind("\n", position, position + STRETCH_CHARACTERS) + 1 or position + STRETCH_CHARACTERS
        yield text[position:end]
        position = end
