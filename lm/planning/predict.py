"""How much memory each stage will need, said before it starts: the formula of each stands in its package."""

from collections.abc import Callable
from typing import Any

from lm.clean import memory as clean
from lm.config import StageConfig
from lm.download.memory import predict_download as predict_download
from lm.evaluate import memory as evaluate
from lm.generate import memory as generate
from lm.store.artifacts import Artifact
from lm.tokenize import memory as tokenize
from lm.train import memory as train
from lm.train.memory import predict_least as predict_least

PREDICT: dict[str, Callable[[Any, dict[str, Any], int], int]] = {
    "clean": clean.predict,
    "tokenize": tokenize.predict,
    "train": train.predict,
    "evaluate": evaluate.predict,
    "generate": generate.predict,
}


def predict_stage(stage: str, config: StageConfig, inputs: dict[str, Artifact], budget_bytes: int) -> int:
    """What making this stage's artifact from these inputs will need; a larger budget lets more cores work."""
    return PREDICT[stage](config, {name: artifact.manifest.metrics for name, artifact in inputs.items()}, budget_bytes)
