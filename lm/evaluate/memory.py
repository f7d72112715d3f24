"""How much memory the evaluate stage will need: measured (docs/decisions.md)."""

from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.evaluate.config import EvaluateConfig
from lm.store.artifacts import Artifact
from lm.store.layout import REPLICAS
from lm.train.metrics import TrainMetrics

MIB = 2**20
BASELINE_BYTES = 16 * MIB


def predict(config: EvaluateConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need for a model, or for all members of an ensemble."""
    members = [inputs[name].read_metrics(TrainMetrics) for name in ("train", *REPLICAS) if name in inputs]
    text = inputs["clean"].read_metrics(CleanMetrics)
    return predict_evaluating(sum(member.parameters for member in members), text.text_bytes)


def predict_evaluating(parameters: int, text_bytes: int) -> int:
    """The model's weights, and the n-grams of a part of the text."""
    return 410 * MIB + 4 * parameters + 12 * min(text_bytes, BASELINE_BYTES)
