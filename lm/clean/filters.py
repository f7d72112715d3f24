"""Quality filters: what a document must be like to be kept.

The measures are those of Gopher (Rae et al., 2021, appendix A.1) for text from the web: the number of words, the share
of symbols, the share of repeated runs of words; and the language. What a person brings is not the web: the defaults
take out only what nobody would miss, so that plays, verse, source code and notes stay.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lm.text.shingles import Hashed

LANGUAGE_CHARACTERS = 4_000  # from the middle of a document
MIN_LANGUAGE_CHARACTERS = 200  # of less, the language is a guess
HASH_BITS = 40
MIN_RUNS = 100  # a document with fewer is too short to be called repetitive
_NO_SYMBOLS = bytes(byte for byte in range(256) if byte >= 0x80 or chr(byte).isalnum() or chr(byte).isspace())


class Thresholds(Protocol):
    """What `CleanConfig` says of the filters."""

    @property
    def minimum_words(self) -> int: ...  # noqa: D102  # documented as fields of the config
    @property
    def maximum_symbols(self) -> float: ...  # noqa: D102
    @property
    def maximum_repeated(self) -> float: ...  # noqa: D102
    @property
    def languages(self) -> tuple[str, ...]: ...  # noqa: D102


class Rejection(NamedTuple):
    """Why a document is not kept, and by which measure."""

    reason: str
    value: str


def judge(texts: Sequence[bytes], words: Hashed, shingles: Hashed, thresholds: Thresholds) -> list[Rejection | None]:
    """Judge each document by its text in UTF-8, its words and runs of five of them; None for one that is kept."""
    repeated = repeated_shares(shingles, thresholds.maximum_repeated)
    verdicts: list[Rejection | None] = []
    for index, (text, count) in enumerate(zip(texts, words.counts.tolist(), strict=True)):
        if count < thresholds.minimum_words:
            verdicts.append(Rejection("too few words", f"{count}"))
        elif (symbols := _symbol_share(text)) > thresholds.maximum_symbols:
            verdicts.append(Rejection("mostly symbols", f"{symbols:.2f}"))
        elif repeated[index] > thresholds.maximum_repeated:
            verdicts.append(Rejection("repeats itself", f"{repeated[index]:.3f}"))
        elif thresholds.languages and (language := _other_language(text, thresholds.languages)):
            verdicts.append(Rejection("another language", language))
        else:
            verdicts.append(None)
    return verdicts


def repeated_shares(shingles: Hashed, above: float) -> npt.NDArray[np.float64]:
    """The share of each document's runs of words that it has had before; 0 where it cannot be `above` that.

    It cannot in a document of few runs, for the first of them is new. The runs of all others are sorted together, 40
    bits of their hashes below the number of their document.
    """
    fewest = max(MIN_RUNS, 1 / (1 - above)) if above < 1 else np.inf
    long = shingles.counts >= fewest
    shares = np.zeros(len(long))
    if not long.any():
        return shares
    hashes, offsets = shingles.of(long)
    counts = np.diff(offsets)
    keys = np.repeat(np.arange(len(counts), dtype=np.uint64) << np.uint64(HASH_BITS), counts)
    keys |= hashes >> np.uint64(64 - HASH_BITS)
    del hashes
    keys.sort()
    repeated = np.zeros(len(keys) + 1, np.bool_)  # one more: the sums below end beyond the last
    repeated[1:-1] = keys[1:] == keys[:-1]
    sums = np.add.reduceat(repeated, offsets[:-1], dtype=np.int64)
    shares[long] = sums / counts
    return shares


def _symbol_share(text: bytes) -> float:
    """The share of a text's bytes that are ASCII and neither letters, digits nor space."""
    return len(text.translate(None, _NO_SYMBOLS)) / max(len(text), 1)


def _other_language(text: bytes, wanted: tuple[str, ...]) -> str | None:
    """The language of a document where it is none of those wanted; None too where it cannot be told."""
    from resiliparse.parse.lang import detect_fast  # most corpora are not asked for their language

    middle = max(0, len(text) // 2 - LANGUAGE_CHARACTERS // 2)
    sample = text[middle : middle + LANGUAGE_CHARACTERS].decode("utf-8", "ignore")
    if len(sample) < MIN_LANGUAGE_CHARACTERS:
        return None
    language, _ = detect_fast(sample)
    return None if language in (*wanted, "unknown") else str(language)
