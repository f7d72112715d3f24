"""How much memory training will need, said before it starts. Bytes of resident memory of its process tree.

The formula follows what `lm.model.fused` and `muon.py` keep, tensor by tensor; `make bench-memory` compares it with
real trainings. Light: no torch.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from lm.hardware.torch_build import cuda_libraries_bytes
from lm.model.config import TrainingConfig
from lm.store.artifacts import Artifact
from lm.tokenize.metrics import TokenizeMetrics

TRAINING_MARGIN = 1.05
MIB = 2**20
MIN_MODEL_BYTES = 405 * MIB  # the smallest model, its libraries and its tokenizer's files
ATTENTION_BLOCK = 128  # as in lm.model.fused, which needs torch
MUON_STACK_VALUES, MUON_CARD_STACK_VALUES = 500_000, 2_000_000  # as in lm.train.muon

BEYOND_TRIAL = 16 * MIB  # of a whole training: the order of its windows, and its looks at the held-out text

# What a training needs besides what can be counted, fitted to 280 random configurations in fp32, and in bf16 to 88 on
# an EPYC that has it (docs/experiments/memory.md).
# malloc keeps what is freed, in pieces: things that take turns need more than the largest of them, if less than all.
TRAINING_FLOOR = {"bf16": 392 * MIB, "fp32": 367 * MIB}  # libraries, their work space, and a model of no size
CUDA_FLOOR = 1600 * MIB  # the same where a CUDA card trains: its libraries are larger (1,480 to 1,550 MiB measured)
CUDA_LIBRARIES_BYTES = 680 * MIB  # of a torch that carries them, on the CPU: 650 MiB more measured, triton included
CUDA_WORK_SPACE = 50 * MIB  # of the card's libraries, in its memory
PER_OUTPUT = {"bf16": 10.0, "fp32": 8.0}  # bytes of a token and a piece of the vocabulary: logits, shares, gradient
# Copies of the embedding that the output needs: with the norm's scale in, and gradients of both of its uses; in fp32.
OUTPUT_COPIES = 2.5
PER_SCORE = 0.9  # values that come and go for each score of a layer's attention
PER_CHANNEL = 6  # the same for each channel of a token in a layer
TURNS_SHARE = 0.9  # of the smaller, that is needed beside the larger of two that take turns
OTHER_STACKS_SHARE = 0.3  # of all of Muon's stacks but the largest: what one leaves, the next cannot use whole
EARLY_SHARE = 0.55  # of the gradients for which a micro-batch of hardly any tokens leaves no place
PER_PARAMETER = 0.9  # bytes of gaps between what lasts


def predict(config: TrainingConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What training will need where nobody has settled a smaller micro-batch than all of a step's sequences."""
    return predict_training(config, inputs["tokenize"].read_metrics(TokenizeMetrics).vocab_size, config.batch_sequences)


def predict_training(recipe: TrainingConfig, vocab_size: int, micro_batch: int, device: str = "cpu") -> int:
    """Training's peak."""
    return predict_trial(recipe, vocab_size, micro_batch, device) + BEYOND_TRIAL


def planned_bytes(trial_bytes: float) -> int:
    """What a training may take whose trial took so much, or should: more than the formula adds to it."""
    return int(TRAINING_MARGIN * trial_bytes)


def predict_trial(recipe: TrainingConfig, vocab_size: int, micro_batch: int, device: str = "cpu") -> int:
    """The peak of a few steps; a CUDA card has its tensors in memory of its own, and here is a copy to be saved."""
    kept = (
        checkpoint_bytes(recipe, vocab_size) if device == "cuda" else predict_tensors(recipe, vocab_size, micro_batch)
    )
    return floor_bytes(device, recipe.precision) + kept


def floor_bytes(device: str, precision: str) -> int:
    """What training takes of this machine's memory before it has a model."""
    return CUDA_FLOOR if device == "cuda" else TRAINING_FLOOR[precision] + cuda_libraries_bytes(CUDA_LIBRARIES_BYTES)


def predict_on_card(recipe: TrainingConfig, vocab_size: int, micro_batch: int) -> int:
    """The peak of a CUDA card's own memory."""
    return CUDA_WORK_SPACE + predict_tensors(recipe, vocab_size, micro_batch, MUON_CARD_STACK_VALUES)


def predict_tensors(
    recipe: TrainingConfig, vocab_size: int, micro_batch: int, stack_values: int = MUON_STACK_VALUES
) -> int:
    """A training's tensors: what lasts, and what comes and goes for the backward pass, then for Muon."""
    tokens = micro_batch * recipe.context
    backward, muon = _backward_bytes(recipe, vocab_size, tokens), _muon_bytes(recipe, stack_values)
    gradients = 4 * recipe.parameters(vocab_size)
    # Where none are added to, each takes the place of what it made superfluous, if that was as much.
    adds_up = micro_batch < recipe.batch_sequences
    early = gradients if adds_up else EARLY_SHARE * max(0.0, 1 - tokens / recipe.width) * gradients
    lasting = checkpoint_bytes(recipe, vocab_size) + PER_PARAMETER * recipe.parameters(vocab_size)
    turns = TURNS_SHARE * min(backward, muon)
    return int(lasting + max(early + backward, gradients + muon) + turns)


def _backward_bytes(recipe: TrainingConfig, vocab_size: int, tokens: int) -> float:
    """What a micro-batch keeps for its backward pass, and what comes and goes in it."""
    width, value_bytes = recipe.width, _value_bytes(recipe)
    between = recipe.layers * width if recipe.recompute else 0
    masks = (2 * recipe.layers + 1) * width if recipe.dropout else 0  # the embedding's, and two a layer
    whole = 1 if recipe.recompute else recipe.layers  # layers that are there at once
    layers = whole * (value_bytes * tokens * _kept_per_token(recipe) + _copies_of_layer(recipe))
    layers += value_bytes * tokens * (PER_SCORE * _scores_per_token(recipe) + PER_CHANNEL * width)
    output = vocab_size * (PER_OUTPUT[recipe.precision] * tokens + 4 * OUTPUT_COPIES * width)
    if recipe.recompute:  # the output is done with before a layer is computed again
        layers, output = max(layers, output), TURNS_SHARE * min(layers, output)
    return value_bytes * tokens * (between + masks) + layers + output


def _copies_of_layer(recipe: TrainingConfig) -> int:
    """A layer's matrices as a step uses them, kept for the backward pass: with norms and scale in, in its precision.

    One matrix makes queries, keys and values for every head, in fp32 and in bf16, or in fp32 twice.
    """
    joint, square, mlp = 3 * recipe.width**2, recipe.width**2, recipe.width * recipe.mlp_width
    if recipe.precision == "bf16":
        return 6 * joint + 2 * square + 4 * mlp
    return 8 * joint + 4 * mlp


def _muon_bytes(recipe: TrainingConfig, stack_values: int) -> int:
    """What `muon.py` works on: the largest stack of matrices of a shape, and a share of the others."""
    stacks = list(_stacks_bytes(recipe, stack_values))
    return int(max(stacks) + OTHER_STACKS_SHARE * (sum(stacks) - max(stacks)))


def _stacks_bytes(recipe: TrainingConfig, stack_values: int) -> Iterator[int]:
    """For each shape of matrix a stack: gradients in fp32, two like it and two Gram matrices in Muon's precision."""
    counts = Counter[tuple[int, int]]()
    for side in (recipe.width, recipe.kv_heads * recipe.head_width, recipe.mlp_width):  # of two matrices in every layer
        counts[min(side, recipe.width), max(side, recipe.width)] += 2 * recipe.layers
    for (rows, columns), count in counts.items():
        together = min(count, max(1, stack_values // (rows * columns)))
        yield together * rows * (4 * columns + 2 * _value_bytes(recipe) * (columns + rows))


def _value_bytes(recipe: TrainingConfig) -> int:
    return 2 if recipe.precision == "bf16" else 4


def checkpoint_bytes(recipe: TrainingConfig, vocab_size: int) -> int:
    """A checkpoint's size: weights in fp32, their average, one more value a parameter for Muon, two for AdamW."""
    matrices, parameters = recipe.matrix_parameters(), recipe.parameters(vocab_size)
    averages = parameters if recipe.average_share else 0
    return 4 * (parameters + averages + matrices + 2 * (parameters - matrices))


def _kept_per_token(recipe: TrainingConfig) -> float:
    """Values that one layer keeps of each token for the backward pass, as `fused.py` saves them.

    Attention: the normalised input, queries, keys and values, the mix, and the shares of attention of one block of
    queries after another. MLP: the normalised input and the activations.
    """
    return 6 * recipe.width + recipe.mlp_width + _scores_per_token(recipe)


def _scores_per_token(recipe: TrainingConfig) -> float:
    """Keys that a query's block looks at, on average, in all heads of a layer."""
    return recipe.heads * (recipe.context + min(recipe.context, ATTENTION_BLOCK)) / 2


def min_training_bytes() -> int:
    """What measuring the machine, trying a few steps and training the smallest model need."""
    return MIN_MODEL_BYTES + cuda_libraries_bytes(CUDA_LIBRARIES_BYTES)


def min_run_bytes() -> int:
    """What the stage needs that needs the most, even for the smallest text and model."""
    return min_training_bytes() + 20 * MIB
