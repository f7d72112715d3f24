"""The text that a model is trained on, as far as planning needs to know it: its bytes, and what its tokens come to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

BytesPerToken = Mapping[int, float]  # by the size of the vocabulary

ENGLISH: BytesPerToken = MappingProxyType({0: 1.0, 512: 1.9, 1024: 2.2, 2048: 2.9, 4096: 3.3, 8192: 3.6})


# What `measure_bytes_per_token` finds in English prose, and how far a text may be from it and count as such.
ENGLISH_MEASURED = {512: 1.8, 1024: 2.35, 2048: 2.8, 4096: 3.2}
MAX_UNLIKE = 1.25


def bytes_per_token(measured: Mapping[int, float]) -> dict[int, float]:
    """The table for a text whose sample was measured; {} for one that is about as English, or that nothing is known of.

    Texts as English keep the figures that were tuned on it.
    """
    shares = {size: measured[size] / known for size, known in ENGLISH_MEASURED.items() if size in measured}
    if not shares or all(1 / MAX_UNLIKE < share < MAX_UNLIKE for share in shares.values()):
        return {}
    of_size = {size: shares[max(known for known in shares if known <= size)] for size in ENGLISH if size >= min(shares)}
    return {0: 1.0} | {size: round(max(1.0, share * ENGLISH[size]), 2) for size, share in of_size.items()}


class TrainingText(NamedTuple):
    """How large a text is."""

    bytes: int
    bytes_per_token: BytesPerToken = ENGLISH

    def tokens(self, vocab_size: int) -> float:
        """About how many tokens it will come to: known before there is a tokenizer."""
        return self.bytes / _of_size(self.bytes_per_token, vocab_size)

    def english_bytes(self, vocab_size: int) -> float:
        """How much English comes to as many tokens."""
        if self.bytes_per_token is ENGLISH:
            return self.bytes
        return self.bytes * _of_size(ENGLISH, vocab_size) / _of_size(self.bytes_per_token, vocab_size)


def _of_size(table: BytesPerToken, vocab_size: int) -> float:
    return table[max(size for size in table if size <= vocab_size)]
