"""How much memory the compressors stage will need: measured (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.compressors.config import CompressorsConfig
from lm.store.artifacts import Artifact

MIB = 2**20
PPMD_BYTES, READINGS = 84 * MIB, 18
ZPAQ_BYTES, ZPAQ_TEXTS = 2 * 50 * MIB, 2 * 64  # of two at once: its tables grow with the text


def predict(config: CompressorsConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need."""
    return predict_compressing(config, inputs["clean"].read_metrics(CleanMetrics).text_bytes)


def predict_compressing(config: CompressorsConfig, text_bytes: int) -> int:
    """The compressors' own memory, and the text once before every piece."""
    read = min(text_bytes, 2 * config.text_bytes)
    return PPMD_BYTES + READINGS * read + (ZPAQ_BYTES + ZPAQ_TEXTS * read if config.zpaq else 0)
