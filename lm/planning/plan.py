"""The plan: a request turned, once and on this machine, into exact numbers, and kept so that they stay the same.

Light: measuring happens in a child, through the `measure` and `probe` that the caller hands in.
"""

import math
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, ValidationError

from lm.clean.metrics import CleanMetrics
from lm.config import JsonObject, StageConfig
from lm.errors import Damaged, SlowburnError
from lm.formatting import format_bytes, format_duration
from lm.memory.budget import Budget, required_budget
from lm.model.config import TrainingConfig, as_planned
from lm.planning.candidates import sensible_steps, settle_recipe, where
from lm.planning.machine import TrainingMachine
from lm.planning.training_text import ENGLISH, TrainingText, bytes_per_token
from lm.planning.training_time import seconds_of_training
from lm.planning.trials import Probe, settle_memory, suited_trial
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION, read_json, remake_advice, write_record
from lm.store.keys import fingerprint
from lm.tokenize.config import TokenizeConfig

PLAN_VERSION = 2
CHUNK_SECONDS = 30.0
MAX_CHUNKS = 24
TRIAL_SECONDS = 4.0
TRIAL_SHARE = 0.05  # of a short training, rather
SHORT_TEXT = (
    "More passes would only learn this text by heart, so training ends early. More text would use the time; so would "
    "several seeds (--seeds 3), which know more together than each alone."
)

Measure = Callable[[], TrainingMachine]
MeasureText = Callable[[], dict[int, float]]  # as `measure_bytes_per_token` gives it; {}: not known


class Plan(StageConfig):
    """Exact numbers for one request on one text, and why they are what they are."""

    schema_version: int = SCHEMA_VERSION
    request: JsonObject  # the settings that a plan answers
    clean_key: str  # of the text
    vocab_size: int  # tokens in the vocabulary
    bytes_per_token: dict[int, float] = Field({})  # of this text, by the vocabulary's size; {}: about as of English
    recipe: TrainingConfig
    micro_batch: int  # sequences that are computed at once
    most_steps: int  # that were asked for, or that do more than to learn the text by heart
    chunk_steps: int  # optimiser steps in a chunk
    device: str
    threads: int
    step_seconds: float
    checkpoint_bytes: int
    predicted_memory_bytes: int  # peak of the training
    machine: TrainingMachine
    reasons: tuple[str, ...]  # why the numbers are what they are, in words
    other_seeds: dict[int, TrainingConfig] = Field({})  # recipes of models beside the main one whose end was moved

    def text(self, size: int) -> TrainingText:
        """So much of the text that it was made for."""
        return TrainingText(size, self.bytes_per_token or ENGLISH)

    @property
    def minutes(self) -> float:
        """Training time asked for."""
        minutes = self.request["minutes"]
        assert isinstance(minutes, int | float)
        return minutes

    @property
    def seconds(self) -> float:
        """Training time foreseen."""
        return seconds_of_training(self.recipe.steps, self.step_seconds)

    def recipe_of(self, seed: int) -> TrainingConfig:
        """The recipe of the model with this seed: as the end of its training was moved, else as it was planned."""
        if seed == self.recipe.seed:
            return self.recipe
        return self.other_seeds.get(seed) or as_planned(self.recipe).model_copy(update={"seed": seed})


def tokenize_settings(config: RunConfig, plan: Plan) -> TokenizeConfig:
    """What the tokenize stage is told: what was asked for, and the plan's size of the vocabulary where none was."""
    if config.tokenize.vocab_size is not None:
        return config.tokenize
    return config.tokenize.model_copy(update={"default_vocab_size": plan.vocab_size})


def training_request(config: RunConfig) -> JsonObject:
    """The part of a config that a plan answers."""
    asked: JsonObject = {}
    if config.device:  # plans made before it could be asked for lack it
        asked["device"] = config.device
    return asked | {
        "version": PLAN_VERSION,
        "minutes": config.minutes,
        "memory": config.memory,
        "threads": config.threads,
        "init_from": config.init_from,
        "tokenize": config.tokenize.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
    }


def plan_path(store: Store, config: RunConfig, clean_key: str) -> Path:
    """Where the plan for this request and text is kept."""
    return store.plans / _name(training_request(config), clean_key)


def _name(request: JsonObject, clean_key: str) -> str:
    return f"{fingerprint({'request': request, 'clean': clean_key})}.json"


def open_plan(path: Path) -> Plan | None:
    """The plan kept there; None when there is none that this version can use.

    Raises Damaged where it is not what was written, or the plan of another request.
    """
    if not path.exists():
        return None
    content = read_json(path)
    try:
        plan = Plan.model_validate(content)
    except ValidationError:
        return None
    if plan.request.get("version") == PLAN_VERSION and _name(plan.request, plan.clean_key) != path.name:
        raise Damaged(f"{path} holds the plan of another request: {remake_advice(path)}")
    return plan


def trial_seconds(config: RunConfig) -> float:
    """How long a few steps are tried, for each count of threads."""
    return min(TRIAL_SECONDS, TRIAL_SHARE * 60 * config.minutes)


def find_plan(store: Store, config: RunConfig, clean_key: str, budget: Budget) -> tuple[Plan, Path] | None:
    """The plan that a run would follow, and its file: kept for this request, or for one that differs in memory alone.

    None where one has yet to be made.
    """
    path = plan_path(store, config, clean_key)
    plan = open_plan(path)
    return (plan, path) if plan else _same_work_other_budget(store, config, clean_key, budget)


def make_plan(
    store: Store,
    config: RunConfig,
    clean: Artifact,
    budget: Budget,
    measure: Measure,
    probe: Probe,
    measure_text: MeasureText,
) -> Plan:
    """Settle a plan and keep it, instead of one that is there: then nothing is taken from others.

    Raises CannotFit with the least budget that would do, BadInput for odd settings.
    """
    path = plan_path(store, config, clean.key)
    same_work = None if path.exists() else _same_work_other_budget(store, config, clean.key, budget)
    plan = same_work[0] if same_work else _settle(config, clean, budget, measure, probe, measure_text)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, plan.model_dump(mode="json"))
    return plan


def _same_work_other_budget(
    store: Store, config: RunConfig, clean_key: str, budget: Budget
) -> tuple[Plan, Path] | None:
    """A plan that differs from this request in its memory alone, if it fits: its training may have begun already."""
    request = training_request(config)
    for path in sorted(store.plans.glob("*.json")):
        try:
            plan = open_plan(path)
        except SlowburnError:
            continue  # `slowburn verify` names it
        if plan is None or plan.clean_key != clean_key or plan.request | {"memory": config.memory} != request:
            continue
        if required_budget(plan.predicted_memory_bytes) <= budget.bytes:
            return plan.model_copy(update={"request": request}), path
    return None


def _settle(
    config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe, measure_text: MeasureText
) -> Plan:
    machine = measure()
    text = TrainingText(clean.read_metrics(CleanMetrics).train_bytes, bytes_per_token(measure_text()) or ENGLISH)
    trial = suited_trial(config, text, budget, machine, probe)
    choice, step_seconds = trial.choice, trial.probed.step_seconds
    recipe, text_ends_it = settle_recipe(config, choice, text, step_seconds)
    micro_batch, predicted = settle_memory(trial, recipe, machine.device, budget)
    seconds = seconds_of_training(recipe.steps, step_seconds)
    passes = recipe.steps * recipe.tokens_per_step / text.tokens(choice.vocab_size)
    return Plan(
        request=training_request(config),
        clean_key=clean.key,
        vocab_size=choice.vocab_size,
        bytes_per_token={} if text.bytes_per_token is ENGLISH else dict(text.bytes_per_token),
        recipe=recipe,
        micro_batch=micro_batch,
        most_steps=sensible_steps(config, choice, text),
        chunk_steps=chunk_steps(recipe.steps, seconds),
        device=machine.device,
        threads=trial.threads,
        step_seconds=step_seconds,
        checkpoint_bytes=trial.probed.checkpoint_bytes,
        predicted_memory_bytes=predicted,
        machine=machine,
        reasons=(
            *choice.reasons,
            *_told_rate(text, choice.vocab_size),
            f"A step of {recipe.tokens_per_step} tokens took {step_seconds * 1000:.0f} ms in a trial on "
            f"{where(machine.device, trial.threads)}, so {recipe.steps} steps "
            f"{'were asked for and' if config.train.steps else 'fit and'} take {format_duration(seconds)}: "
            f"about {passes:.1f} passes over the text.",
            *([SHORT_TEXT] if text_ends_it else []),
            f"The trial peaked at {format_bytes(trial.probed.peak_memory_bytes)}; the budget is "
            f"{format_bytes(budget.bytes)} ({budget.origin}).",
        ),
    )


def _told_rate(text: TrainingText, vocab_size: int) -> list[str]:
    if text.bytes_per_token is ENGLISH:
        return []
    rate = text.bytes / text.tokens(vocab_size)
    return [
        f"A sample of this text came to {rate:.1f} bytes for each token, unlike English: the plan counts with that."
    ]


def chunk_steps(steps: int, seconds: float) -> int:
    """Steps a chunk: a few dozen seconds each, more in long runs, at least two chunks beyond a minute."""
    chunks = min(MAX_CHUNKS, max(1 if seconds < 60 else 2, round(seconds / CHUNK_SECONDS)))
    return math.ceil(steps / chunks)
