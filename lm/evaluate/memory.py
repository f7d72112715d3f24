"""How much memory the evaluate stage will need: measured (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from lm.evaluate.config import EvaluateConfig
from lm.store.artifacts import REPLICAS

MIB = 2**20
BASELINE_BYTES = 16 * MIB


def predict(config: EvaluateConfig, inputs_metrics: Mapping[str, Mapping[str, Any]], budget_bytes: int) -> int:
    """What the stage will need for a model, or for all members of an ensemble."""
    members = [inputs_metrics[name] for name in ("train", *REPLICAS) if name in inputs_metrics]
    text = inputs_metrics["clean"]
    text_bytes = int(text["train_bytes"]) + int(text["heldout_bytes"])
    return predict_evaluating(sum(int(member["parameters"]) for member in members), text_bytes)


def predict_evaluating(parameters: int, text_bytes: int) -> int:
    """The model's weights, and the n-grams of a part of the text."""
    return 410 * MIB + 4 * parameters + 12 * min(text_bytes, BASELINE_BYTES)
