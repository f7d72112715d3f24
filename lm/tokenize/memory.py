"""How much memory the tokenize stage will need: measured (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from lm.hardware.cores import chosen_cores
from lm.tokenize.config import TokenizeConfig

MIB = 2**20


def predict(config: TokenizeConfig, inputs_metrics: Mapping[str, Mapping[str, Any]], budget_bytes: int) -> int:
    """What the stage will need."""
    text = inputs_metrics["clean"]
    return predict_tokenizing(config, int(text["train_bytes"]), int(text["longest_document_bytes"]))


def predict_tokenizing(config: TokenizeConfig, train_bytes: int, longest_document_bytes: int) -> int:
    """The tokenizer's training on a sample, then threads that encode, and the longest document a few times over."""
    sample_bytes = min(config.sample_bytes, train_bytes)
    per_sample_byte = 25 if config.kind == "unigram" else 13
    return 150 * MIB + 5 * MIB * chosen_cores() + 6 * longest_document_bytes + per_sample_byte * sample_bytes
