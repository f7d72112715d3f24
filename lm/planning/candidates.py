"""The models that suit a request, and which of them should fit its budget: before anything is measured or tried."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import ValidationError

from lm.errors import BadInput, CannotFit
from lm.formatting import counted, format_bytes, format_count, format_text_size
from lm.memory.budget import SOFT_SHARE, Budget, format_budget, required_budget
from lm.model.config import TrainingConfig, smaller_micro_batch, with_steps
from lm.planning.choose import MIN_STEPS, choose_recipe, gentler, most_steps, suited, vocab_reason
from lm.planning.machine import TrainingMachine
from lm.planning.training_text import TrainingText
from lm.planning.training_time import seconds_of_steps
from lm.run_config import RunConfig
from lm.tokenize.config import TokenizeConfig
from lm.tokenizer.special_tokens import BYTE_VOCAB_SIZE
from lm.train.memory import planned_bytes, predict_on_card, predict_trial

MIN_CHOICE_SECONDS = 1.0  # of training: below it no smaller model is tried
# Steps that take a third longer leave three quarters of them, and a model's size goes with the root of the arithmetic.
COMPUTED_AGAIN_WORTH = 0.87

COMPUTED_AGAIN = "To fit the memory, activations are computed again instead of kept: a step takes a third longer."


class Choice(NamedTuple):
    """A model and recipe that should fit, and why them."""

    vocab_size: int
    recipe: TrainingConfig
    micro_batch: int
    reasons: tuple[str, ...]


def choose(config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine) -> Choice:
    """The best model for the time, or the largest smaller one that fits the budget. Raises CannotFit."""
    choice = next(fitting(config, text, budget, machine), None)
    if choice is None:
        raise cannot_fit(least_bytes(smallest_choice(config, text, machine), machine.device), budget)
    return choice


def fitting(config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine) -> Iterator[Choice]:
    """The candidates that should fit the budget, each with the largest micro-batch that does.

    Each is there keeping its activations and computing them again, in the order of what they are worth.
    """
    suited = list(candidates(config, text, machine))
    best = suited[0].recipe.parameters(suited[0].vocab_size)
    kinds = (False, True) if config.train.recompute is None else (config.train.recompute,)
    both = [
        choice._replace(recipe=choice.recipe.model_copy(update={"recompute": recompute}))
        for choice in suited
        for recompute in kinds
    ]
    for choice in sorted(both, key=lambda choice: _worth(choice, best), reverse=True):
        micro_batch = _largest_micro_batch(choice, budget, machine)
        if micro_batch is not None:
            smaller = choice.recipe.parameters(choice.vocab_size) < best
            why = [f"The best model for the time would not fit {format_bytes(budget.bytes)}: a smaller one is trained."]
            rates, size = choice.reasons
            again = [COMPUTED_AGAIN] if choice.recipe.recompute else []
            reasons = (rates, *(why if smaller else []), *again, size)
            yield choice._replace(micro_batch=micro_batch, reasons=reasons)


def _worth(choice: Choice, best: int) -> float:
    """Parameters, though more than the `best` ones are worth no more: fewer where layers are computed again."""
    parameters = min(best, choice.recipe.parameters(choice.vocab_size))
    return parameters * (COMPUTED_AGAIN_WORTH if choice.recipe.recompute else 1.0)


def candidates(config: RunConfig, text: TrainingText, machine: TrainingMachine) -> Iterator[Choice]:
    """What suits the request, the best first, then what suits half the time and so on: with a micro-batch of 1.

    Between two of them, narrow as the smaller one, are those with more of its layers: widths alone are far apart.
    """
    bf16, fp32 = machine.bf16_training_flops_per_second, machine.fp32_training_flops_per_second
    precision = config.train.precision or ("bf16" if bf16 > fp32 else "fp32")
    reached = machine.training_flops_per_second(precision)
    rates = (
        f"{precision} arithmetic: a small training reaches {bf16 / 1e9:.0f} GFLOP/s in bf16 and "
        f"{fp32 / 1e9:.0f} in fp32 on {where(machine.device, machine.threads)}."
    )
    seconds, larger = config.minutes * 60, None
    while seconds >= min(MIN_CHOICE_SECONDS, config.minutes * 60):
        vocab_size, chosen = _choose(config, text, seconds, reached, precision)
        vocab_size, vocabulary = _vocabulary(config.tokenize, vocab_size, text)
        most_layers = max(chosen.layers, larger.layers) if larger and config.train.layers is None else chosen.layers
        for layers in range(most_layers, chosen.layers - 1, -1):
            shaped = Choice(vocab_size, _with_settings(config, chosen.model_copy(update={"layers": layers})), 1, ())
            recipe, _ = settle_recipe(config, shaped, text, estimated_step_seconds(shaped, machine))
            parameters = format_count(recipe.parameters(vocab_size))
            size = (
                f"{counted(recipe.layers, 'layer')} of width {recipe.width} ({parameters} parameters) "
                f"and {vocabulary}, for {format_text_size(text.bytes)} of text."
            )
            yield Choice(vocab_size, recipe, 1, (rates, size))
        larger = chosen
        seconds /= 2


def _vocabulary(config: TokenizeConfig, chosen: int, text: TrainingText) -> tuple[int, str]:
    """Size of the vocabulary, and in words what its tokens are and why there are so many."""
    if config.kind == "byte":
        return BYTE_VOCAB_SIZE, f"{BYTE_VOCAB_SIZE} tokens in the vocabulary, one for each byte"
    noun = {"word": "words", "char": "characters at most"}.get(config.kind, "tokens in the vocabulary")
    if config.vocab_size:
        return config.vocab_size, f"{config.vocab_size:,} {noun}, as asked for"
    return chosen, f"{chosen:,} {noun} ({vocab_reason(text, chosen)})"


def smallest_choice(config: RunConfig, text: TrainingText, machine: TrainingMachine) -> Choice:
    """The smallest training that a request could be shrunk to."""
    *_, smallest = candidates(config, text, machine)
    return smallest


def least_bytes(choice: Choice, device: str) -> int:
    """The peak of a training in the smallest pieces, which is said to be the least where nothing fits."""
    return planned_bytes(predict_trial(choice.recipe, choice.vocab_size, 1, device))


def cannot_fit(needed: int, budget: Budget) -> CannotFit:
    """What a person is told when not even the smallest training fits: the least budget that would do."""
    return CannotFit(
        f"train: needs about {format_bytes(needed)} even with the smallest micro-batch, the budget is "
        f"{format_bytes(budget.bytes)} ({budget.origin}); run again with "
        f"--memory {format_budget(required_budget(needed))}"
    )


def estimated_step_seconds(choice: Choice, machine: TrainingMachine) -> float:
    """What a step should take, by what a small training reached on this machine."""
    recipe = choice.recipe
    reached = machine.training_flops_per_second(recipe.precision)
    return float(recipe.tokens_per_step * recipe.flops_per_token(choice.vocab_size) / reached)


def where(device: str, threads: int) -> str:
    """What trains, in words."""
    return counted(threads, "thread") if device == "cpu" else device


def with_speed(machine: TrainingMachine, ratio: float) -> TrainingMachine:
    """The machine as if its trainings were so many times as fast as it is known for."""
    bf16, fp32 = machine.bf16_training_flops_per_second, machine.fp32_training_flops_per_second
    return machine.with_training_speed(bf16=ratio * bf16, fp32=ratio * fp32)


def settle_recipe(
    config: RunConfig, choice: Choice, text: TrainingText, step_seconds: float
) -> tuple[TrainingConfig, bool]:
    """The recipe with its steps, and the dropout that they ask for; and whether the text rather than the time ends it.

    `step_seconds`: what a step takes, measured or estimated.
    """
    steps, text_ends_it = settle_steps(config, choice, text, step_seconds)
    recipe = suited(with_steps(choice.recipe, steps), text, choice.vocab_size)
    return _with_settings(config, gentler(recipe) if config.init_from else recipe), text_ends_it


def settle_steps(config: RunConfig, choice: Choice, text: TrainingText, step_seconds: float) -> tuple[int, bool]:
    """How many steps to train, and whether the text rather than the time bounds them."""
    affordable = max(MIN_STEPS, int(seconds_of_steps(config.minutes * 60) / step_seconds))
    sensible = sensible_steps(config, choice, text)
    if config.train.steps:
        return sensible, False
    return min(affordable, sensible), sensible < affordable


def sensible_steps(config: RunConfig, choice: Choice, text: TrainingText) -> int:
    """The steps that were asked for, or the most that do more than learn the text by heart."""
    return config.train.steps or max(MIN_STEPS, most_steps(choice.recipe, text, choice.vocab_size))


def _choose(
    config: RunConfig, text: TrainingText, seconds: float, flops_per_second: float, precision: str
) -> tuple[int, TrainingConfig]:
    try:
        return choose_recipe(text, seconds, flops_per_second, bf16=precision == "bf16", asked=config.train)
    except ValidationError as error:
        raise _odd_settings(error) from None


def _with_settings(config: RunConfig, recipe: TrainingConfig) -> TrainingConfig:
    try:
        return config.train.apply_to(recipe)
    except ValidationError as error:
        raise _odd_settings(error) from None


def _odd_settings(error: ValidationError) -> BadInput:
    return BadInput(f"train: {error.errors()[0]['msg'].removeprefix('Value error, ')}")


def _largest_micro_batch(choice: Choice, budget: Budget, machine: TrainingMachine) -> int | None:
    """The largest micro-batch whose trial should leave enough of the budget, and of a card's memory; or None."""
    micro_batch = choice.recipe.batch_sequences
    while not _fits(choice._replace(micro_batch=micro_batch), budget, machine):
        if micro_batch == 1:
            return None
        micro_batch = smaller_micro_batch(choice.recipe, micro_batch)
    return micro_batch


def _fits(choice: Choice, budget: Budget, machine: TrainingMachine) -> bool:
    vocab_size, recipe, micro_batch, _ = choice
    card_bytes = machine.card_bytes
    if card_bytes is not None and predict_on_card(recipe, vocab_size, micro_batch) > SOFT_SHARE * card_bytes:
        return False
    return budget_after_trial(predict_trial(recipe, vocab_size, micro_batch, machine.device)) <= budget.bytes


def budget_after_trial(trial_bytes: float) -> int:
    """The least budget for a training whose trial takes so much, or should."""
    return required_budget(planned_bytes(trial_bytes))
