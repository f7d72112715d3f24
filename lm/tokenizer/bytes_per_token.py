"""How many bytes a token of a text comes to, by the vocabulary's size: small tokenizers of a sample tell."""

from collections.abc import Iterable, Sequence

from lm.text.spread_sample import spread_sample
from lm.tokenizer.special_tokens import BYTE_VOCAB_SIZE
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.training import train_tokenizer

SIZES = (512, 1024, 2048, 4096)
SAMPLE_BYTES = 400_000
MEASURED_SHARE = 4  # one stretch of so many is encoded, and the tokenizer trained on the others
MIN_BYTES = 20_000  # of less, nothing can be said


def measure_bytes_per_token(texts: Iterable[str]) -> dict[int, float]:
    """Train BPE on most of a sample and encode the rest, for each size; {} where there is too little text.

    The same texts give the same figures. A tokenizer of so small a sample knows fewer words than that of the whole
    text: compare the figures with those of another text.
    """
    sample = spread_sample(texts, SAMPLE_BYTES)
    trained, measured = _parted(sample)
    size = sum(len(text.encode()) for text in measured)
    if size * MEASURED_SHARE < MIN_BYTES:
        return {}
    return {vocab_size: size / _tokens(trained, measured, vocab_size) for vocab_size in SIZES}


def _parted(sample: Sequence[str]) -> tuple[list[str], list[str]]:
    """The stretches to train on, and those to encode; of a few long ones, pieces."""
    if len(sample) < 4 * MEASURED_SHARE:
        sample = [piece for stretch in sample for piece in _pieces(stretch)]
    measured = list(sample[MEASURED_SHARE - 1 :: MEASURED_SHARE])
    return [piece for place, piece in enumerate(sample) if place % MEASURED_SHARE != MEASURED_SHARE - 1], measured


def _pieces(stretch: str) -> list[str]:
    length = len(stretch) // MEASURED_SHARE + 1
    return [stretch[start : start + length] for start in range(0, len(stretch), length)]


def _tokens(trained: Sequence[str], measured: Sequence[str], vocab_size: int) -> int:
    model = train_tokenizer(trained, "bpe", max(vocab_size, BYTE_VOCAB_SIZE), sample_bytes=SAMPLE_BYTES, shrink=True)
    tokenizer = Tokenizer.from_bytes(model)
    return sum(len(tokenizer.encode(text)) for text in measured)
