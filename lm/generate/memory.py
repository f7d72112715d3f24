"""How much memory the generate stage will need: measured (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.generate.config import GenerateConfig
from lm.store.artifacts import Artifact
from lm.train.metrics import TrainMetrics

MIB = 2**20


def predict(config: GenerateConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need."""
    return predict_generating(inputs["train"].read_metrics(TrainMetrics).parameters)


def predict_generating(parameters: int) -> int:
    """The model's weights, twice while they are loaded; numpy writes, so torch is not there."""
    return 170 * MIB + 8 * parameters
