"""What training would come to for a request: the model, its steps, its memory, and what to expect of it."""

from typing import NamedTuple

from lm.config import StageConfig
from lm.errors import CannotFit
from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.planning.candidates import (
    Choice,
    choose,
    estimated_step_seconds,
    settle_recipe,
    settle_steps,
    smallest_choice,
)
from lm.planning.expected_loss import Expectation, expected_bits_per_byte
from lm.planning.forecast_corpus import CorpusForecast
from lm.planning.machine import TrainingMachine
from lm.planning.plan import Plan
from lm.planning.training_time import seconds_of_training
from lm.run_config import RunConfig
from lm.train.memory import predict_training


class TrainingForecast(StageConfig):
    """The model and its training, and what it should come to."""

    recipe: TrainingConfig
    vocab_size: int
    parameters: int
    micro_batch: int
    tokens: int
    passes: float  # over the training text
    seconds: float
    text_ends_it: bool  # rather than the time
    predicted_memory_bytes: int
    bits_per_byte: Expectation


class Request(NamedTuple):
    """What a forecast of training is made from."""

    config: RunConfig
    budget: Budget
    corpus: CorpusForecast
    machine: TrainingMachine


def choice_of(request: Request) -> tuple[Choice, bool]:
    """What the plan would choose, and whether it fits; where nothing does, the smallest there is."""
    try:
        return choose(request.config, request.corpus.training_text, request.budget, request.machine), True
    except CannotFit:
        return smallest_choice(request.config, request.corpus.training_text, request.machine), False


def forecast_choice(request: Request, choice: Choice) -> TrainingForecast:
    """Training with this choice, its speed estimated from that of a small training."""
    step_seconds = estimated_step_seconds(choice, request.machine)
    recipe, text_ends_it = settle_recipe(request.config, choice, request.corpus.training_text, step_seconds)
    needed = predict_training(recipe, choice.vocab_size, choice.micro_batch, request.machine.device)
    return _forecast(request, choice, recipe, seconds_of_training(recipe.steps, step_seconds), needed, text_ends_it)


def forecast_plan(request: Request, plan: Plan) -> TrainingForecast:
    """Training as a kept plan has it, its speed measured."""
    choice = Choice(plan.vocab_size, plan.recipe, plan.micro_batch, plan.reasons)
    _, text_ends_it = settle_steps(request.config, choice, request.corpus.training_text, plan.step_seconds)
    return _forecast(request, choice, plan.recipe, plan.seconds, plan.predicted_memory_bytes, text_ends_it)


def _forecast(
    request: Request, choice: Choice, recipe: TrainingConfig, seconds: float, needed: int, text_ends_it: bool
) -> TrainingForecast:
    tokens = recipe.steps * recipe.tokens_per_step
    flops = tokens * recipe.flops_per_token(choice.vocab_size)
    passes = tokens / request.corpus.training_text.tokens(choice.vocab_size)
    return TrainingForecast(
        recipe=recipe,
        vocab_size=choice.vocab_size,
        parameters=recipe.parameters(choice.vocab_size),
        micro_batch=choice.micro_batch,
        tokens=tokens,
        passes=passes,
        seconds=seconds,
        text_ends_it=text_ends_it,
        predicted_memory_bytes=needed,
        bits_per_byte=expected_bits_per_byte(request.corpus.sample_bits_per_byte, flops, passes),
    )
