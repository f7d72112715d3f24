"""How much memory the evaluate stage will need: measured (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.evaluate.config import EvaluateConfig
from lm.hardware.torch_build import cuda_libraries_bytes
from lm.store.artifacts import Artifact
from lm.store.layout import REPLICAS
from lm.train.metrics import TrainMetrics

MIB = 2**20
BASELINE_BYTES = 16 * MIB
CUDA_LIBRARIES_BYTES = 560 * MIB  # of a torch that carries them, on the CPU: 540 MiB more measured


def predict(config: EvaluateConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need for a model, or for all members of an ensemble."""
    members = [inputs[name].read_metrics(TrainMetrics) for name in ("train", *REPLICAS) if name in inputs]
    text = inputs["clean"].read_metrics(CleanMetrics)
    return predict_evaluating(sum(member.parameters for member in members), text.text_bytes)


def predict_evaluating(parameters: int, text_bytes: int) -> int:
    """The model's weights, and the n-grams of a part of the text."""
    libraries = 410 * MIB + cuda_libraries_bytes(CUDA_LIBRARIES_BYTES)
    return libraries + 4 * parameters + 12 * min(text_bytes, BASELINE_BYTES)
