"""From texts to one stream of tokens, in bounded memory, every text decoded again and compared."""

from collections.abc import Iterable, Iterator

import numpy as np

from lm.errors import SlowburnError
from lm.tokenizer import Tokenizer, escape, segments, unescape
from lm.tokens import BOUNDARY_ID, Tokens

BATCH_CHARACTERS = 1 << 20


def token_stream(tokenizer: Tokenizer, texts: Iterable[str], threads: int = 1) -> Iterator[Tokens]:
    """Yield the tokens of all texts, each text preceded by the boundary token, in pieces of about a megabyte of text.

    Raises SlowburnError when a text does not come back from its tokens, which the tokenizer rules out by design.
    """
    batch: list[str] = []
    starts: list[int] = []  # where in the batch a text begins
    characters = 0
    for text in texts:
        starts.append(len(batch))
        escaped = escape(text)
        if unescape(escaped) != text:
            raise _lossy(text)
        for segment in segments(escaped):
            batch.append(segment)
            characters += len(segment)
            if characters >= BATCH_CHARACTERS:
                yield _encode(tokenizer, batch, starts, threads)
                batch, starts, characters = [], [], 0
    yield _encode(tokenizer, batch, starts, threads)


def _encode(tokenizer: Tokenizer, batch: list[str], starts: list[int], threads: int) -> Tokens:
    encoded = tokenizer.encode_segments(batch, threads)
    decoded = tokenizer.decode_segments(encoded, threads)
    if decoded != batch:
        raise _lossy(next(segment for segment, again in zip(batch, decoded, strict=True) if segment != again))
    boundary = np.array([BOUNDARY_ID], np.int32)
    for start in reversed(starts):
        encoded.insert(start, boundary)
    return np.concatenate(encoded or [np.empty(0, np.int32)]).astype(tokenizer.dtype)


def _lossy(text: str) -> SlowburnError:
    return SlowburnError(f"tokens do not give back the text that begins {text[:60]!r}: this is a fault in Slowburn")
