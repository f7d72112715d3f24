"""How much memory the generate stage will need: measured (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from lm.generate.config import GenerateConfig

MIB = 2**20


def predict(config: GenerateConfig, inputs_metrics: Mapping[str, Mapping[str, Any]], budget_bytes: int) -> int:
    """What the stage will need."""
    return predict_generating(int(inputs_metrics["train"]["parameters"]))


def predict_generating(parameters: int) -> int:
    """The model's weights, twice while they are loaded; numpy writes, so torch is not there."""
    return 170 * MIB + 8 * parameters
