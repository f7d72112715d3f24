"""A part of a text that stands for the whole where the whole is too much: the same part every time."""

from collections.abc import Iterable, Iterator

STRETCH_BYTES = 64 << 10


def stretches(text: str, stretch_bytes: int = STRETCH_BYTES) -> Iterator[bytes]:
    """Cut a text's UTF-8 into stretches of `stretch_bytes`, never inside a character."""
    data, start = text.encode(), 0
    while start < len(data):
        end = start + stretch_bytes
        while end < len(data) and data[end] & 0xC0 == 0x80:  # the middle of a character
            end -= 1
        yield data[start:end]
        start = end


def spread_sample(texts: Iterable[str], total_bytes: int, cap_bytes: int) -> Iterator[bytes]:
    """Yield the texts as UTF-8, or stretches spread evenly over them where they are larger than the cap.

    `total_bytes` is the size of all texts in UTF-8. What is yielded has at most `cap_bytes` and depends on nothing
    but the arguments.
    """
    if total_bytes <= cap_bytes:
        yield from (text.encode() for text in texts)
        return
    seen = taken = 0
    for text in texts:
        for stretch in stretches(text):
            seen += len(stretch)
            if (taken + len(stretch)) * total_bytes <= seen * cap_bytes:
                taken += len(stretch)
                yield stretch
