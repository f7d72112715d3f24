"""The plan: a request turned, once and on this machine, into exact numbers, and kept so that they stay the same.

Light: measuring happens in a child, through the `measure` and `probe` that the caller hands in.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from lm.clean.metrics import CleanMetrics
from lm.config import StageConfig
from lm.errors import OutOfMemory
from lm.formatting import format_bytes, format_duration
from lm.memory.budget import Budget, required_budget
from lm.model.config import TrainingConfig, as_planned, smaller_micro_batch
from lm.planning.candidates import (
    Choice,
    budget_after_trial,
    cannot_fit,
    fitting,
    least_bytes,
    sensible_steps,
    settle_recipe,
    smallest_choice,
    where,
    with_speed,
)
from lm.planning.machine import TrainingMachine
from lm.planning.training_text import ENGLISH, TrainingText, bytes_per_token
from lm.planning.training_time import seconds_of_training
from lm.planning.trial_result import TrialResult
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION, read_json, write_json
from lm.store.keys import fingerprint
from lm.tokenize.config import TokenizeConfig
from lm.train.memory import floor_bytes, planned_bytes, predict_trial

PLAN_VERSION = 2
CHUNK_SECONDS = 30.0
MAX_CHUNKS = 24
TRIAL_SECONDS = 4.0
TRIAL_SHARE = 0.05  # of a short training, rather
OTHER_SPEED = 1.5  # than the machine is known for: from there on another model may suit it

SHORT_TEXT = "More passes would only learn this text by heart, so training ends early: more text would use the time."

Measure = Callable[[], TrainingMachine]
MeasureText = Callable[[], dict[int, float]]  # as `measure_bytes_per_token` gives it; {}: not known
Probe = Callable[[TrainingConfig, int, int, int], TrialResult]  # recipe, vocabulary's size, micro-batch, threads


class Plan(StageConfig):
    """Exact numbers for one request on one text, and why they are what they are."""

    schema_version: int = SCHEMA_VERSION
    request: dict[str, Any]  # the settings that a plan answers
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
    def seconds(self) -> float:
        """Training time foreseen."""
        return seconds_of_training(self.recipe.steps, self.step_seconds)

    def recipe_of(self, seed: int) -> TrainingConfig:
        """The recipe of the model with this seed: as the end of its training was moved, else as it was planned."""
        if seed == self.recipe.seed:
            return self.recipe
        return self.other_seeds.get(seed) or as_planned(self.recipe).model_copy(update={"seed": seed})


def tokenize_settings(config: RunConfig, plan: Plan) -> TokenizeConfig:
    """What the tokenize stage is told: what was asked for, and the plan's number of pieces where none was."""
    if config.tokenize.vocab_size is not None:
        return config.tokenize
    return config.tokenize.model_copy(update={"default_vocab_size": plan.vocab_size})


def training_request(config: RunConfig) -> dict[str, Any]:
    """The part of a config that a plan answers."""
    asked = {"device": config.device} if config.device else {}  # plans made before it could be asked for lack it
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
    return store.plans / f"{fingerprint({'request': training_request(config), 'clean': clean_key})}.json"


def open_plan(path: Path) -> Plan | None:
    """The plan kept there; None when there is none that this version can use."""
    try:
        return Plan.model_validate(read_json(path)) if path.exists() else None
    except ValidationError:
        return None


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
    write_json(path, plan.model_dump(mode="json"))
    return plan


def _same_work_other_budget(
    store: Store, config: RunConfig, clean_key: str, budget: Budget
) -> tuple[Plan, Path] | None:
    """A plan that differs from this request in its memory alone, if it fits: its training may have begun already."""
    request = training_request(config)
    for path in sorted(store.plans.glob("*.json")):
        plan = open_plan(path)
        if plan is None or plan.clean_key != clean_key or plan.request | {"memory": config.memory} != request:
            continue
        if required_budget(plan.predicted_memory_bytes) <= budget.bytes:
            return plan.model_copy(update={"request": request}), path
    return None


class _Trial(NamedTuple):
    """A choice that fits, and what a few real steps of it showed."""

    choice: Choice
    micro_batch: int
    threads: int
    probed: TrialResult

    @property
    def flops_per_second(self) -> float:
        """What the trial reached."""
        recipe = self.choice.recipe
        flops = recipe.tokens_per_step * recipe.flops_per_token(self.choice.vocab_size)
        return float(flops / self.probed.step_seconds)


def _settle(
    config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe, measure_text: MeasureText
) -> Plan:
    machine = measure()
    text = TrainingText(clean.read_metrics(CleanMetrics).train_bytes, bytes_per_token(measure_text()) or ENGLISH)
    trial = _suited_trial(config, text, budget, machine, probe)
    choice, step_seconds = trial.choice, trial.probed.step_seconds
    recipe, text_ends_it = settle_recipe(config, choice, text, step_seconds)
    micro_batch, predicted = _settle_memory(trial, recipe, machine.device, budget)
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
            f"{format_bytes(budget.bytes)} ({budget.source}).",
        ),
    )


def _told_rate(text: TrainingText, vocab_size: int) -> list[str]:
    if text.bytes_per_token is ENGLISH:
        return []
    rate = text.bytes / text.tokens(vocab_size)
    return [
        f"A sample of this text came to {rate:.1f} bytes for each token, unlike English: the plan counts with that."
    ]


def _suited_trial(
    config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe
) -> _Trial:
    """A trial of the model that suits the speed which trials reach.

    What a small training reached may be far from that: the machine was busy then, or is now, or a large model uses
    it better. Raises CannotFit.
    """
    trial = _trial(config, text, budget, machine, probe)
    ratio = trial.flops_per_second / machine.training_flops_per_second(trial.choice.recipe.precision)
    if 1 / OTHER_SPEED < ratio < OTHER_SPEED:
        return trial
    other = with_speed(machine, ratio)
    suited = next(fitting(config, text, budget, other), trial.choice)
    if suited.recipe.parameters(suited.vocab_size) == trial.choice.recipe.parameters(trial.choice.vocab_size):
        return trial
    rates, *_ = trial.choice.reasons
    why = f"A trial of the model for that speed came to {ratio:.1f} times as much: another model suits it."
    trial = _trial(config, text, budget, other, probe)
    _, *others = trial.choice.reasons
    return trial._replace(choice=trial.choice._replace(reasons=(rates, why, *others)))


def _trial(config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe) -> _Trial:
    """Try what suits this machine. Raises CannotFit."""
    threads = config.threads or machine.threads
    choice, micro_batch, probed = _try_candidates(config, text, budget, machine, probe, threads)
    if config.threads is None and machine.device == "cpu":
        threads, probed = _faster(choice, micro_batch, probed, probe, threads)
    return _Trial(choice, micro_batch, threads, probed)


def _try_candidates(
    config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe, threads: int
) -> tuple[Choice, int, TrialResult]:
    """The first candidate whose trial fits, its micro-batch and what was measured. Raises CannotFit.

    Where a trial takes more than was predicted, so would others of its kind, which keep their activations or compute
    them again: those that then would not fit are not tried.
    """
    refused_bytes, low = 0, dict[bool, float]()
    for choice in fitting(config, text, budget, machine):
        kind, floor = choice.recipe.recompute, floor_bytes(machine.device, choice.recipe.precision)
        for micro_batch in _smaller_and_smaller(choice):
            tensors = predict_trial(choice.recipe, choice.vocab_size, micro_batch, machine.device) - floor
            if kind in low and budget_after_trial(floor + low[kind] * tensors) > budget.bytes:
                continue
            try:
                probed = probe(choice.recipe, choice.vocab_size, micro_batch, threads)
            except OutOfMemory as error:
                if not error.ours:
                    raise
                refused_bytes = max(error.peak_bytes, budget.bytes)
            else:
                refused_bytes = probed.peak_memory_bytes
                if budget_after_trial(refused_bytes) <= budget.bytes:
                    return choice, micro_batch, probed
            low[kind] = max(low.get(kind, 0.0), (refused_bytes - floor) / tensors)
    if refused_bytes:
        raise cannot_fit(planned_bytes(max(refused_bytes, budget.bytes)), budget)
    raise cannot_fit(least_bytes(smallest_choice(config, text, machine), machine.device), budget)


def _smaller_and_smaller(choice: Choice) -> Iterator[int]:
    """The choice's micro-batch, then the same training in smaller pieces."""
    micro_batch = choice.micro_batch
    while micro_batch > 1:
        yield micro_batch
        micro_batch = smaller_micro_batch(choice.recipe, micro_batch)
    yield micro_batch


def _settle_memory(trial: _Trial, recipe: TrainingConfig, device: str, budget: Budget) -> tuple[int, int]:
    """The micro-batch, and what training is expected to take: what its trial took, and what the formula adds to that.

    The trial's recipe had as much dropout and averaging as the steps that were estimated before it; the settled one may
    have more, and then may need smaller pieces.
    """
    choice, micro_batch = trial.choice, trial.micro_batch
    tried = predict_trial(choice.recipe, choice.vocab_size, micro_batch, device)
    while True:
        added = predict_trial(recipe, choice.vocab_size, micro_batch, device) - tried
        predicted = planned_bytes(trial.probed.peak_memory_bytes) + added
        if micro_batch == 1 or required_budget(predicted) <= budget.bytes:
            return micro_batch, predicted
        micro_batch = smaller_micro_batch(recipe, micro_batch)


def _faster(
    choice: Choice, micro_batch: int, probed: TrialResult, probe: Probe, threads: int
) -> tuple[int, TrialResult]:
    """All threads or one, whichever made the trial's steps faster, and its measurements.

    Where another program keeps a core busy, threads that wait for each other at every product are far slower than one.
    """
    if threads == 1:
        return threads, probed
    try:
        alone = probe(choice.recipe, choice.vocab_size, micro_batch, 1)
    except OutOfMemory as error:
        if not error.ours:
            raise
        return threads, probed
    peak_bytes = max(probed.peak_memory_bytes, alone.peak_memory_bytes)
    chosen, faster = (1, alone) if alone.step_seconds < probed.step_seconds else (threads, probed)
    return chosen, faster.model_copy(update={"peak_memory_bytes": peak_bytes})


def chunk_steps(steps: int, seconds: float) -> int:
    """Steps a chunk: a few dozen seconds each, more in long runs, at least two chunks beyond a minute."""
    chunks = min(MAX_CHUNKS, max(1 if seconds < 60 else 2, round(seconds / CHUNK_SECONDS)))
    return math.ceil(steps / chunks)
