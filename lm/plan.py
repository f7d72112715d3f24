"""The plan: a request turned, once and on this machine, into exact numbers, and kept so that they stay the same.

Light: measuring happens in a child, through the `measure` and `probe` that the caller hands in.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from lm.choose import choose_recipe, most_steps, regularised, text_tokens, vocab_reason
from lm.config import StageConfig
from lm.errors import BadInput, CannotFit
from lm.memory import Budget, format_budget, format_bytes, required_budget
from lm.predict import TRAINING_MARGIN, predict_training
from lm.quantities import format_count, format_duration, format_text_size
from lm.recipe import Recipe, with_steps
from lm.run_config import RunConfig
from lm.store import SCHEMA_VERSION, Artifact, Store, fingerprint, read_json, write_json
from lm.supervise import OutOfMemory
from lm.tokenize_corpus import BYTE_VOCAB_SIZE, TokenizeConfig

PLAN_VERSION = 1
SHARE_FOR_STEPS = 0.93  # of the minutes: a training is slower than its trial, and saves and looks on the way
LEAST_STEPS = 20
SMALLEST_CHOICE_SECONDS = 1.0  # of training: below it no smaller model is tried
CHUNK_SECONDS = 30.0
MOST_CHUNKS = 24

SHORT_TEXT = "More passes would only learn this text by heart, so training ends early: more text would use the time."

COMPUTED_AGAIN = "To fit the memory, layers keep no activations and are computed again: a step takes a third longer."

Measure = Callable[[], dict[str, Any]]
Probe = Callable[[Recipe, int, int, int], dict[str, Any]]  # recipe, vocabulary's size, micro-batch, threads


class Plan(StageConfig):
    """Exact numbers for one request on one text, and why they are what they are."""

    schema_version: int = SCHEMA_VERSION
    request: dict[str, Any]
    clean_key: str
    vocab_size: int
    recipe: Recipe
    micro_batch: int
    chunk_steps: int
    device: str
    threads: int
    step_seconds: float
    checkpoint_bytes: int
    predicted_memory_bytes: int
    machine: dict[str, Any]
    reasons: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Training time foreseen."""
        return self.recipe.steps * self.step_seconds / SHARE_FOR_STEPS


def training_request(config: RunConfig) -> dict[str, Any]:
    """The part of a config that a plan answers."""
    return {
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


def find_plan(store: Store, config: RunConfig, clean_key: str, budget: Budget) -> tuple[Plan, Path] | None:
    """The plan that a run would follow, and its file: kept for this request, or for one that differs in memory alone.

    None where one has yet to be made.
    """
    path = plan_path(store, config, clean_key)
    plan = open_plan(path)
    return (plan, path) if plan else _same_work_other_budget(store, config, clean_key, budget)


def make_plan(store: Store, config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe) -> Plan:
    """Settle a plan and keep it. Raises CannotFit with the least budget that would do, BadInput for odd settings."""
    path = plan_path(store, config, clean.key)
    same_work = _same_work_other_budget(store, config, clean.key, budget)
    plan = same_work[0] if same_work else _settle(config, clean, budget, measure, probe)
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


def _settle(config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe) -> Plan:
    machine = measure()
    text_bytes = clean.manifest.metrics["train_bytes"]
    threads = config.threads or machine["threads"]
    choice, micro_batch, probed = _try_candidates(config, text_bytes, budget, machine, probe, threads)
    if config.threads is None:
        threads, probed = _faster(choice, micro_batch, probed, probe, threads)
    step_seconds = probed["step_seconds"]
    steps, text_ends_it = settle_steps(config, choice, text_bytes, step_seconds)
    recipe = _with_settings(config, regularised(with_steps(choice.recipe, steps), text_bytes, choice.vocab_size))
    seconds = steps * step_seconds / SHARE_FOR_STEPS
    passes = steps * recipe.tokens_per_step / text_tokens(text_bytes, choice.vocab_size)
    return Plan(
        request=training_request(config),
        clean_key=clean.key,
        vocab_size=choice.vocab_size,
        recipe=recipe,
        micro_batch=micro_batch,
        chunk_steps=chunk_steps(steps, seconds),
        device=machine["device"],
        threads=threads,
        step_seconds=step_seconds,
        checkpoint_bytes=probed["checkpoint_bytes"],
        predicted_memory_bytes=int(probed["peak_memory_bytes"] * TRAINING_MARGIN),
        machine=machine,
        reasons=(
            *choice.reasons,
            f"A step of {recipe.tokens_per_step} tokens took {step_seconds * 1000:.0f} ms in a trial on "
            f"{threads} thread{'s' if threads > 1 else ''}, so {steps} steps "
            f"{'were asked for and' if config.train.steps else 'fit and'} take {format_duration(seconds)}: "
            f"about {passes:.1f} passes over the text.",
            *([SHORT_TEXT] if text_ends_it else []),
            f"The trial peaked at {format_bytes(probed['peak_memory_bytes'])}; the budget is "
            f"{format_bytes(budget.bytes)} ({budget.source}).",
        ),
    )


class Choice(NamedTuple):
    """A model and recipe that should fit, and why them."""

    vocab_size: int
    recipe: Recipe
    micro_batch: int
    reasons: tuple[str, ...]


def choose(config: RunConfig, text_bytes: int, budget: Budget, machine: dict[str, Any]) -> Choice:
    """The best model for the time, or the largest smaller one that fits the budget. Raises CannotFit."""
    choice = next(fitting(config, text_bytes, budget, machine), None)
    if choice is None:
        raise cannot_fit(_least_bytes(config, text_bytes, machine), budget)
    return choice


def fitting(config: RunConfig, text_bytes: int, budget: Budget, machine: dict[str, Any]) -> Iterator[Choice]:
    """The candidates that should fit the budget, each with the largest micro-batch that does."""
    best: int | None = None
    for candidate in candidates(config, text_bytes, machine):
        parameters = candidate.recipe.parameters(candidate.vocab_size)
        best = best or parameters
        micro_batch, needed = _largest_micro_batch(candidate.recipe, candidate.vocab_size, budget)
        if required_budget(needed) > budget.bytes and config.train.recompute is None:
            candidate = candidate._replace(recipe=candidate.recipe.model_copy(update={"recompute": True}))
            micro_batch, needed = _largest_micro_batch(candidate.recipe, candidate.vocab_size, budget)
        if required_budget(needed) <= budget.bytes:
            why = [f"The best model for the time would not fit {format_bytes(budget.bytes)}: a smaller one does."]
            rates, size = candidate.reasons
            again = [COMPUTED_AGAIN] if candidate.recipe.recompute else []
            reasons = (rates, *(why if parameters < best else []), *again, size)
            yield candidate._replace(micro_batch=micro_batch, reasons=reasons)


def candidates(config: RunConfig, text_bytes: int, machine: dict[str, Any]) -> Iterator[Choice]:
    """What suits the request, the best first and each further one for half the time: with a micro-batch of 1."""
    speeds = {name: machine[f"{name}_flops_per_second"] for name in ("bf16", "fp32")}
    precision = config.train.precision or ("bf16" if speeds["bf16"] > speeds["fp32"] else "fp32")
    rates = (
        f"{precision} arithmetic: matrix products reach {speeds['bf16'] / 1e9:.0f} GFLOP/s in bf16 and "
        f"{speeds['fp32'] / 1e9:.0f} in fp32 on {machine['threads']} threads."
    )
    seconds = config.minutes * 60
    while seconds >= min(SMALLEST_CHOICE_SECONDS, config.minutes * 60):
        vocab_size, chosen = choose_recipe(text_bytes, seconds, speeds[precision], bf16=precision == "bf16")
        vocab_size, pieces = _vocabulary(config.tokenize, vocab_size, text_bytes)
        recipe = _with_settings(config, chosen)
        parameters = format_count(recipe.parameters(vocab_size))
        size = (
            f"{recipe.layers} layers of width {recipe.width} ({parameters} parameters) "
            f"and {pieces}, for {format_text_size(text_bytes)} of text."
        )
        yield Choice(vocab_size, recipe, 1, (rates, size))
        seconds /= 2


def _vocabulary(config: TokenizeConfig, chosen: int, text_bytes: int) -> tuple[int, str]:
    """The vocabulary's size, and what its pieces are and why there are so many, in words."""
    if config.kind == "byte":
        return BYTE_VOCAB_SIZE, f"{BYTE_VOCAB_SIZE} pieces, one for each byte"
    noun = {"word": "words", "char": "characters at most"}.get(config.kind, "word pieces")
    if config.vocab_size:
        return config.vocab_size, f"{config.vocab_size:,} {noun}, as asked for"
    return chosen, f"{chosen:,} {noun} ({vocab_reason(text_bytes, chosen)})"


def settle_steps(config: RunConfig, choice: Choice, text_bytes: int, step_seconds: float) -> tuple[int, bool]:
    """How many steps to train, and whether the text rather than the time bounds them."""
    affordable = max(LEAST_STEPS, int(config.minutes * 60 * SHARE_FOR_STEPS / step_seconds))
    sensible = max(LEAST_STEPS, most_steps(choice.recipe, text_bytes, choice.vocab_size))
    if config.train.steps:
        return config.train.steps, False
    return min(affordable, sensible), sensible < affordable


def _with_settings(config: RunConfig, recipe: Recipe) -> Recipe:
    try:
        return config.train.apply_to(recipe)
    except ValidationError as error:
        raise BadInput(f"train: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _largest_micro_batch(recipe: Recipe, vocab_size: int, budget: Budget) -> tuple[int, int]:
    """The largest micro-batch whose predicted peak fits, else 1; and that peak."""
    micro_batch = recipe.batch_sequences
    while True:
        needed = predict_training(recipe, vocab_size, micro_batch)
        if micro_batch == 1 or required_budget(needed) <= budget.bytes:
            return micro_batch, needed
        micro_batch = smaller_micro_batch(recipe, micro_batch)


def _try_candidates(
    config: RunConfig, text_bytes: int, budget: Budget, machine: dict[str, Any], probe: Probe, threads: int
) -> tuple[Choice, int, dict[str, Any]]:
    """The first candidate whose trial fits, its micro-batch and what was measured. Raises CannotFit."""
    refused = None
    for choice in fitting(config, text_bytes, budget, machine):
        try:
            return choice, *_try(choice, budget, probe, threads)
        except CannotFit as error:
            refused = error
    raise refused or cannot_fit(_least_bytes(config, text_bytes, machine), budget)


def _least_bytes(config: RunConfig, text_bytes: int, machine: dict[str, Any]) -> int:
    """What the smallest training needs that this request could be shrunk to."""
    smallest = list(candidates(config, text_bytes, machine))[-1]
    return predict_training(smallest.recipe, smallest.vocab_size, 1)


def _try(choice: Choice, budget: Budget, probe: Probe, threads: int) -> tuple[int, dict[str, Any]]:
    """A few real steps, in smaller pieces where the prediction was too low; the micro-batch, and what was measured."""
    micro_batch = choice.micro_batch
    while True:
        try:
            probed = probe(choice.recipe, choice.vocab_size, micro_batch, threads)
        except OutOfMemory as error:
            needed = error.peak_bytes
        else:
            needed = int(probed["peak_memory_bytes"] * TRAINING_MARGIN)
            if required_budget(needed) <= budget.bytes:
                return micro_batch, probed
        if micro_batch == 1:
            raise cannot_fit(int(max(needed, budget.bytes) * TRAINING_MARGIN), budget)
        micro_batch = smaller_micro_batch(choice.recipe, micro_batch)


def _faster(
    choice: Choice, micro_batch: int, probed: dict[str, Any], probe: Probe, threads: int
) -> tuple[int, dict[str, Any]]:
    """All threads or one, whichever made the trial's steps faster, and its measurements.

    Where another program keeps a core busy, threads that wait for each other at every product are far slower than one.
    """
    if threads == 1:
        return threads, probed
    alone = probe(choice.recipe, choice.vocab_size, micro_batch, 1)
    peak_bytes = max(probed["peak_memory_bytes"], alone["peak_memory_bytes"])
    chosen, faster = (1, alone) if alone["step_seconds"] < probed["step_seconds"] else (threads, probed)
    return chosen, faster | {"peak_memory_bytes": peak_bytes}


def smaller_micro_batch(recipe: Recipe, micro_batch: int) -> int:
    """The next smaller micro-batch that divides the batch: the same training in smaller pieces."""
    return max(size for size in range(1, micro_batch) if recipe.batch_sequences % size == 0)


def cannot_fit(needed: int, budget: Budget) -> CannotFit:
    """What a person is told when not even the smallest training fits: the least budget that would do."""
    return CannotFit(
        f"train: needs about {format_bytes(needed)} even with the smallest micro-batch, the budget is "
        f"{format_bytes(budget.bytes)} ({budget.source}); run again with "
        f"--memory {format_budget(required_budget(needed))}"
    )


def chunk_steps(steps: int, seconds: float) -> int:
    """Steps a chunk: a few dozen seconds each, more in long runs, at least two chunks beyond a minute."""
    chunks = min(MOST_CHUNKS, max(1 if seconds < 60 else 2, round(seconds / CHUNK_SECONDS)))
    return math.ceil(steps / chunks)
