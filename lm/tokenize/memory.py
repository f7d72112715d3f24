"""How much memory the tokenize stage will need: measured (docs/experiments/memory.md)."""

import math
from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.hardware.cores import chosen_cores
from lm.store.artifacts import Artifact
from lm.tokenize.config import TokenizeConfig

MIB = 2**20
UNSPACED_BYTES, UNSPACED_BYTES_A_DOUBLING, UNSPACED_VOCAB_SIZE = 9, 9, 512  # of memory for a character in such a run


def predict(config: TokenizeConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need."""
    text = inputs["clean"].read_metrics(CleanMetrics)
    return predict_tokenizing(config, text.train_bytes, text.longest_document_bytes, text.unspaced_share)


def predict_tokenizing(
    config: TokenizeConfig, train_bytes: int, longest_document_bytes: int, unspaced_share: float = 0.0
) -> int:
    """The tokenizer's training on a sample, then threads that encode, and the longest document a few times over.

    Words that come again are trained on once. A run without spaces is one long word that never does: every place in it
    is remembered, and again for each piece that holds it.
    """
    sample_bytes = min(config.sample_bytes, train_bytes)
    doublings = max(0.0, math.log2((config.vocab_size or config.default_vocab_size) / UNSPACED_VOCAB_SIZE))
    unspaced = unspaced_share * (UNSPACED_BYTES + UNSPACED_BYTES_A_DOUBLING * doublings)
    per_sample_byte = round((25 if config.kind == "unigram" else 13) + unspaced)
    return 150 * MIB + 5 * MIB * chosen_cores() + 6 * longest_document_bytes + per_sample_byte * sample_bytes
