"""How much memory the tokenize stage will need: measured (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.hardware.cores import chosen_cores
from lm.store.artifacts import Artifact
from lm.tokenize.config import TokenizeConfig

MIB = 2**20


def predict(config: TokenizeConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need."""
    text = inputs["clean"].read_metrics(CleanMetrics)
    return predict_tokenizing(config, text.train_bytes, text.longest_document_bytes)


def predict_tokenizing(config: TokenizeConfig, train_bytes: int, longest_document_bytes: int) -> int:
    """The tokenizer's training on a sample, then threads that encode, and the longest document a few times over."""
    sample_bytes = min(config.sample_bytes, train_bytes)
    per_sample_byte = 25 if config.kind == "unigram" else 13
    return 150 * MIB + 5 * MIB * chosen_cores() + 6 * longest_document_bytes + per_sample_byte * sample_bytes
