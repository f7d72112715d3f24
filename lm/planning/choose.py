"""Which model, vocabulary and batch suit a text, a time and a machine. See docs/experiments/model-size.md."""

import math

from lm.model.config import ModelConfig, TrainingConfig, with_steps
from lm.planning.training_text import TrainingText
from lm.train.config import TrainConfig

# Parameters of the layers grow with this power of the arithmetic, fitted to the times at which two shapes are equally
# good, and with its root once that is less: of long trainings only that is known.
TUNED_FLOPS = 2.5e13
BRIEF_PARAMETERS, BRIEF_POWER = 1.15e6, 0.68
TUNED_PARAMETERS = 1.5e6
TUNED_STEP_TOKENS = 2048
# A larger model learns the text by heart sooner, and smaller ones are faster: known of 100 kB and 1 MB.
TEXT_PARAMETERS, TEXT_POWER = 507, 0.62
MIN_STEPS = 20
PLAIN_PASSES = 8  # over the text: beyond them dropout, averaged weights and text kept back to calibrate on pay
MAX_PASSES = 24  # with any dropout, more of them only learn the text by heart
MAX_DROPOUT = 0.1  # at so many passes
AVERAGE_SHARE = 0.1
BRIEF_STEPS = 2000  # a shorter training learns more with less momentum; of longer ones that is not known
BRIEF_MOMENTUM, MOMENTUM = 0.9, 0.95
# The embedding's rate falls with the steps: best near 0.007 at 600 steps, 0.005 at 870, and 0.002 at 1,700.
MAX_EMBEDDING_LR, MAX_EMBEDDING_LR_STEPS, MIN_EMBEDDING_LR, EMBEDDING_LR_POWER = 0.008, 550, 0.002, 1.1
# Weights that are given move less: no more than so many steps at the full rates would move them.
FINE_TUNING_STEPS, MAX_FINE_TUNING_SHARE = 30, 0.25
VARIED_PASSES = 3.5  # beyond them it helps to read the text in other tokens each time
MERGE_DROPOUT, MAX_MERGE_DROPOUT = 0.0025, 0.04  # for each pass, and at most
CALIBRATION_SHARE = 0.01  # of the text, kept back to find how much too sure of itself a model is
VALIDATION_SHARE = 0.03  # kept back where more passes are asked for than make sense
MANY_PASSES = 60  # rather than more of them, smaller and more steps
HALF_STEP_PRICE = 1.5  # what a token costs more in a step of half the size
MIN_STEP_TOKENS = 512

# Layers and heads of each width.
SHAPES = {
    64: (3, 1), 96: (3, 2), 128: (3, 2), 160: (3, 2), 192: (4, 2), 256: (5, 2), 320: (6, 4), 384: (7, 3), 512: (10, 4),
    640: (12, 5), 768: (14, 6), 1024: (19, 8),
}  # fmt: skip
EMBEDDING_SHARE = 0.6  # of the parameters of the layers: a larger one gets a smaller vocabulary
VOCAB_OF_BYTES = {0: 512, 200_000: 1024, 700_000: 2048, 10_000_000: 4096, 100_000_000: 8192}  # of English prose
CONTEXT_OF_FLOPS = {0: 128, 3e14: 256, 2e16: 512}


def choose_recipe(
    text: TrainingText,
    seconds: float,
    flops_per_second: float,
    *,
    bf16: bool = True,
    asked: TrainConfig | None = None,
) -> tuple[int, TrainingConfig]:
    """The vocabulary's size and the recipe for `seconds` of training on a text.

    `flops_per_second`: what a small training reaches on this machine in the precision asked for; `asked`: what of the
    shape is not to be chosen. The recipe's `steps` are an estimate; `lm.model.config.with_steps` sets them once the
    time of a step has been measured. Raises pydantic's ValidationError where what is asked for cannot go together.
    """
    precision = "bf16" if bf16 else "fp32"
    flops = seconds * flops_per_second
    growth = flops / TUNED_FLOPS
    most_parameters = TEXT_PARAMETERS * text.bytes**TEXT_POWER
    grown = min(BRIEF_PARAMETERS * growth**BRIEF_POWER, TUNED_PARAMETERS * math.sqrt(growth))
    shape = _choose_shape(min(grown, most_parameters), _last_reached(CONTEXT_OF_FLOPS, flops))
    if asked:
        shape = _shape_asked_for(shape, asked)
    vocab_size = _choose_vocab_size(text, shape)
    step_growth = min(max(1.0, growth), (most_parameters / TUNED_PARAMETERS) ** 2)
    batch_sequences = _power_of_two(TUNED_STEP_TOKENS * step_growth**0.25 / shape.context)
    tokens, sensible = flops / shape.flops_per_token(vocab_size), MANY_PASSES * text.tokens(vocab_size)
    while tokens > sensible and batch_sequences * shape.context > MIN_STEP_TOKENS:
        batch_sequences, tokens = batch_sequences // 2, tokens / HALF_STEP_PRICE
    recipe = TrainingConfig(
        **shape.model_dump(),
        batch_sequences=batch_sequences,
        steps=MIN_STEPS,
        precision=precision,
        seed=1,
    )
    steps = max(MIN_STEPS, round(tokens / recipe.tokens_per_step))
    return vocab_size, suited(with_steps(recipe, steps), text, vocab_size)


def suited(recipe: TrainingConfig, text: TrainingText, vocab_size: int) -> TrainingConfig:
    """The recipe with what its passes over the text ask for, and the rates of its steps."""
    return suited_for(recipe, recipe.steps * recipe.tokens_per_step / text.tokens(vocab_size))


def suited_for(recipe: TrainingConfig, passes: float) -> TrainingConfig:
    """The same for a number of passes that is known."""
    repeated = min(1.0, max(0.0, passes - PLAIN_PASSES) / (MAX_PASSES - PLAIN_PASSES))
    changes = {
        "dropout": round(MAX_DROPOUT * repeated, 2),
        "merge_dropout": round(min(MAX_MERGE_DROPOUT, MERGE_DROPOUT * passes), 3) if passes > VARIED_PASSES else 0.0,
        "average_share": AVERAGE_SHARE if repeated else 0.0,
        "validation_share": VALIDATION_SHARE if passes > 2 * MAX_PASSES else 0.0,
        "calibration_share": CALIBRATION_SHARE if repeated else 0.0,
        "adam_rate": _embedding_rate(recipe.steps),
        "muon_momentum": BRIEF_MOMENTUM if recipe.steps < BRIEF_STEPS else MOMENTUM,
    }
    return recipe.model_copy(update=changes)


def gentler(recipe: TrainingConfig) -> TrainingConfig:
    """The recipe with the rates for weights that are given: the more steps, the lower."""
    share = min(MAX_FINE_TUNING_SHARE, FINE_TUNING_STEPS / recipe.steps)
    rates = {name: share * TrainingConfig.model_fields[name].default for name in ("muon_rate", "adam_rate")}
    return recipe.model_copy(update=rates)


def _embedding_rate(steps: int) -> float:
    fallen = MAX_EMBEDDING_LR * math.pow(MAX_EMBEDDING_LR_STEPS / steps, EMBEDDING_LR_POWER)
    return round(min(MAX_EMBEDDING_LR, max(MIN_EMBEDDING_LR, fallen)), 4)


def most_steps(recipe: TrainingConfig, text: TrainingText, vocab_size: int) -> int:
    """The steps after which a model of this recipe would only learn the text by heart."""
    return math.ceil(MAX_PASSES * text.tokens(vocab_size) / recipe.tokens_per_step)


def _choose_shape(parameters: float, context: int) -> ModelConfig:
    """The shape whose layers come closest to so many parameters."""
    shapes = [
        ModelConfig(
            layers=layers,
            width=width,
            heads=heads,
            kv_heads=heads,
            mlp_width=4 * width,
            context=context,
        )
        for width, (layers, heads) in SHAPES.items()
    ]
    return min(shapes, key=lambda shape: abs(math.log(shape.matrix_parameters() / parameters)))


def _shape_asked_for(chosen: ModelConfig, asked: TrainConfig) -> ModelConfig:
    """The shape with what was asked for; a perceptron and heads that were not follow the width, all heads alike."""
    width = asked.width or chosen.width
    heads = asked.heads or _heads(width)
    follows = {"width": width, "heads": heads, "kv_heads": heads, "mlp_width": 4 * width}
    settings = asked.model_dump(include=set(ModelConfig.model_fields), exclude_none=True)
    return ModelConfig.model_validate(chosen.model_dump() | follows | settings)


def _heads(width: int) -> int:
    """As many as the next width that is listed has, or fewer if they would not be of an even size."""
    most = SHAPES[min(SHAPES, key=lambda listed: abs(math.log(listed / width)))][1]
    return next((heads for heads in range(most, 1, -1) if width % (2 * heads) == 0), 1)


def vocab_reason(text: TrainingText, vocab_size: int) -> str:
    """Why a vocabulary has the size that was chosen, in words that follow the number."""
    if vocab_size < _supported_vocab_size(text):
        return "fewer than the text has examples for, so that most parameters are in the layers"
    return "about as many as a text of this size has enough examples for"


def _choose_vocab_size(text: TrainingText, shape: ModelConfig) -> int:
    """As many tokens as the text has examples for, but the layers keep most of the parameters."""
    vocab_size = _supported_vocab_size(text)
    while (
        vocab_size > min(VOCAB_OF_BYTES.values())
        and vocab_size * shape.width > EMBEDDING_SHARE * shape.matrix_parameters()
    ):
        vocab_size //= 2
    return vocab_size


def _supported_vocab_size(text: TrainingText) -> int:
    """The largest vocabulary for which a text has as many tokens as English has that suits it."""
    reached = [size for least, size in VOCAB_OF_BYTES.items() if text.english_bytes(size) >= least]
    return reached[-1]


def _last_reached(table: dict[float, int] | dict[int, int], amount: float) -> int:
    """The value of the largest key that is not above the amount."""
    return [value for key, value in table.items() if key <= amount][-1]


def _power_of_two(amount: float) -> int:
    """The power of two that is nearest on a logarithmic scale, 1 or more."""
    return int(2 ** max(0, round(math.log2(amount))))
