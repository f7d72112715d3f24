"""How much memory each stage will need, said before it starts. Bytes of resident memory of the stage's process tree.

The training formula counts what AdamW-style training keeps per parameter and per token of a micro-batch; the plan
then replaces it with the measured peak of a few real steps. The other stages were measured (docs/decisions.md).
"""

from lm.recipe import Recipe
from lm.store import Artifact

TRAINING_MARGIN = 1.05
MIB = 2**20


def predict_training(recipe: Recipe, vocab_size: int, micro_batch: int) -> int:
    """A first estimate of training's peak, before anything has been tried."""
    tokens = micro_batch * recipe.context
    parameters = recipe.parameters(vocab_size)
    value_bytes = 2 if recipe.precision == "bf16" else 4
    stream = tokens * recipe.width * value_bytes
    layer = 8 * stream + 4 * tokens * recipe.mlp_width * value_bytes
    logits = 3 * tokens * vocab_size * 4
    base = 340 * MIB
    return base + 16 * parameters + recipe.layers * layer + 2 * stream + logits


def predict_probe() -> int:
    """What measuring the machine and trying a few steps need at least."""
    return 400 * MIB


def predict_download() -> int:
    """What fetching and copying need: nothing grows with the corpus."""
    return 120 * MIB


def predict_stage(stage: str, inputs: dict[str, Artifact]) -> int:
    """What making this stage's artifact from these inputs will need."""
    return 200 * MIB


def predict_least() -> tuple[str, int]:
    """The stage that needs the most even for the smallest text and model, and how much."""
    return "train", predict_probe()
