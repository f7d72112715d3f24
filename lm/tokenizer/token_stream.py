"""From texts to one stream of tokens, in bounded memory, every text decoded again and compared."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from lm.errors import SlowburnError
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokenizer import Tokenizer, escape, segments, unescape
from lm.tokenizer.tokens import Tokens

BATCH_CHARACTERS = 1 << 19


class _Batch(NamedTuple):
    """Segments of one or more texts."""

    segments: list[str]
    starts: list[int]  # which segments a text begins at


def token_stream(tokenizer: Tokenizer, texts: Iterable[str], threads: int = 1) -> Iterator[Tokens]:
    """Yield the tokens of all texts, each text preceded by the boundary token, in pieces; `threads` work ahead.

    Raises SlowburnError when a text does not come back from its tokens, which the tokenizer rules out by design.
    """
    ahead: deque[Future[Tokens]] = deque()
    with ThreadPoolExecutor(threads) as pool:  # sentencepiece lets go of the interpreter's lock
        try:
            for batch in _batches(texts):
                ahead.append(pool.submit(_encode, tokenizer, batch))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _batches(texts: Iterable[str]) -> Iterator[_Batch]:
    batch, characters = _Batch([], []), 0
    for text in texts:
        batch.starts.append(len(batch.segments))
        escaped = escape(text)
        if unescape(escaped) != text:
            raise _lossy(text)
        for segment in segments(escaped):
            batch.segments.append(segment)
            characters += len(segment)
            if characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = _Batch([], []), 0
    yield batch


def _encode(tokenizer: Tokenizer, batch: _Batch) -> Tokens:
    encoded = tokenizer.encode_segments(batch.segments)
    ends = np.cumsum([0, *map(len, encoded)])
    tokens = np.insert(np.concatenate([np.empty(0, np.int32), *encoded]), ends[batch.starts], BOUNDARY_ID)
    text = "".join(batch.segments)
    if tokenizer.decode_escaped(tokens) != text:
        raise _lossy(text)
    return tokens.astype(tokenizer.dtype)


def _lossy(text: str) -> SlowburnError:
    return SlowburnError(f"tokens do not give back the text at {text[:60]!r}: this is a fault in Slowburn, report it")
