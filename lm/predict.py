"""How much memory each stage will need, said before it starts. Bytes of resident memory of the stage's process tree.

The training formula counts what AdamW-style training keeps per parameter and per token of a micro-batch; the plan
then replaces it with the measured peak of a few real steps. The other stages were measured (docs/decisions.md).
"""

from typing import Any

from lm.config import StageConfig
from lm.cpu import usable_cores
from lm.recipe import Recipe
from lm.store import Artifact
from lm.tokenize_corpus import TokenizeConfig

TRAINING_MARGIN = 1.05
MIB = 2**20
BASELINE_BYTES = 16 * MIB
LEAST_TRAINING = 440 * MIB  # the smallest model, its libraries and its tokenizer's files


def predict_training(recipe: Recipe, vocab_size: int, micro_batch: int) -> int:
    """A first estimate of training's peak, before anything has been tried.

    Weights, gradients and optimiser state; activations of every layer for each token of the micro-batch; logits and
    their gradient. Two bytes a value, or four in fp32.
    """
    tokens = micro_batch * recipe.context
    value_bytes = 2 if recipe.precision == "bf16" else 4
    layer = value_bytes * (10 * recipe.width + recipe.heads * recipe.context)
    logits = 4 * value_bytes * vocab_size
    states = 14 * recipe.parameters(vocab_size) + 4 * vocab_size * recipe.width
    return LEAST_TRAINING + states + tokens * (recipe.layers * layer + logits)


def predict_probe() -> int:
    """What measuring the machine and trying a few steps need at least."""
    return LEAST_TRAINING


def predict_download() -> int:
    """What fetching and copying need: nothing grows with the corpus."""
    return 120 * MIB


def predict_stage(stage: str, config: StageConfig, inputs: dict[str, Artifact]) -> int:
    """What making this stage's artifact from these inputs will need."""
    metrics = {name: artifact.manifest.metrics for name, artifact in inputs.items()}
    if stage == "clean":
        return 140 * MIB + 5 * int(metrics["download"]["largest_document_bytes"])
    if isinstance(config, TokenizeConfig):
        return _tokenizing(config, metrics["clean"])
    weights = 4 * int(metrics["train"]["parameters"])
    text_bytes = int(metrics["clean"]["train_bytes"]) + int(metrics["clean"]["heldout_bytes"])
    if stage == "evaluate":
        return 390 * MIB + weights + 12 * min(text_bytes, BASELINE_BYTES)
    return 370 * MIB + 2 * weights


def _tokenizing(config: TokenizeConfig, text: dict[str, Any]) -> int:
    """The tokenizer's training on a sample, then threads that encode, and the longest document a few times over."""
    sample_bytes = min(config.sample_bytes, int(text["train_bytes"]))
    per_sample_byte = 25 if config.kind == "unigram" else 13
    return (
        190 * MIB + 5 * MIB * usable_cores() + 6 * int(text["longest_document_bytes"]) + per_sample_byte * sample_bytes
    )


def predict_least() -> tuple[str, int]:
    """The stage that needs the most even for the smallest text and model, and how much."""
    return "train", LEAST_TRAINING + 20 * MIB
