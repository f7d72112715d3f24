"""The plan: a request turned, once and on this machine, into exact numbers, and kept so that they stay the same.

Light: measuring happens in a child, through the `measure` and `probe` that the caller hands in.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lm.choose import choose_recipe
from lm.config import StageConfig
from lm.errors import BadInput, CannotFit
from lm.memory import Budget, format_budget, format_bytes
from lm.predict import TRAINING_MARGIN, predict_training
from lm.recipe import Recipe, with_steps
from lm.run_config import RunConfig
from lm.store import SCHEMA_VERSION, Artifact, Store, fingerprint, read_json, write_json
from lm.supervise import OutOfMemory

PLAN_VERSION = 1
SHARE_FOR_STEPS = 0.97  # of the minutes; the rest goes to checkpoints and looks at the held-out loss
LEAST_STEPS = 20
CHUNK_SECONDS = 30.0
MOST_CHUNKS = 24

Measure = Callable[[], dict[str, Any]]
Probe = Callable[[Recipe, int, int], dict[str, Any]]


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


def make_plan(store: Store, config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe) -> Plan:
    """Settle a plan and keep it. Raises CannotFit with the least budget that would do, BadInput for odd settings."""
    path = plan_path(store, config, clean.key)
    plan = _same_work_other_budget(store, config, clean.key, budget) or _settle(config, clean, budget, measure, probe)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, plan.model_dump(mode="json"))
    return plan


def _same_work_other_budget(store: Store, config: RunConfig, clean_key: str, budget: Budget) -> Plan | None:
    """A plan that differs from this request in its memory alone, if it fits: its training may have begun already."""
    request = training_request(config)
    for path in sorted(store.plans.glob("*.json")):
        plan = open_plan(path)
        if plan is None or plan.clean_key != clean_key or plan.request | {"memory": config.memory} != request:
            continue
        if plan.predicted_memory_bytes <= budget.bytes:
            return plan.model_copy(update={"request": request})
    return None


def _settle(config: RunConfig, clean: Artifact, budget: Budget, measure: Measure, probe: Probe) -> Plan:
    machine = measure()
    train_bytes = clean.manifest.metrics["train_bytes"]
    seconds = config.minutes * 60
    vocab_size, recipe, precision_reason = _choose(config, train_bytes, seconds, machine)
    micro_batch, needed = _fit(recipe, vocab_size, budget)
    while True:
        try:
            probed = probe(recipe, vocab_size, micro_batch)
        except OutOfMemory:
            if micro_batch == 1:
                raise _cannot_fit(needed * 5 // 4, budget) from None
            micro_batch = smaller_micro_batch(recipe, micro_batch)
            continue
        break
    steps = config.train.steps or max(LEAST_STEPS, int(seconds * SHARE_FOR_STEPS / probed["step_seconds"]))
    recipe = with_steps(recipe, steps)
    foreseen = steps * probed["step_seconds"] / SHARE_FOR_STEPS
    predicted = int(probed["peak_memory_bytes"] * TRAINING_MARGIN)
    passes = steps * recipe.tokens_per_step / max(1, train_bytes / 2.5)
    return Plan(
        request=training_request(config),
        clean_key=clean.key,
        vocab_size=vocab_size,
        recipe=recipe,
        micro_batch=micro_batch,
        chunk_steps=chunk_steps(steps, foreseen),
        device=machine["device"],
        threads=machine["threads"],
        step_seconds=probed["step_seconds"],
        checkpoint_bytes=probed["checkpoint_bytes"],
        predicted_memory_bytes=predicted,
        machine=machine,
        reasons=(
            precision_reason,
            f"{recipe.layers} layers of width {recipe.width} ({recipe.parameters(vocab_size) / 1e6:.1f} million "
            f"parameters) with {vocab_size} word pieces suit {train_bytes / 1e6:.1f} MB of text and {_time(foreseen)}.",
            f"A step of {recipe.tokens_per_step} tokens took {probed['step_seconds'] * 1000:.0f} ms here, so "
            f"{_time(seconds)} allow {steps} steps: about {passes:.1f} passes over the text."
            if config.train.steps is None
            else f"{steps} steps were asked for; at {probed['step_seconds'] * 1000:.0f} ms each: {_time(foreseen)}.",
            f"A trial of a few steps peaked at {format_bytes(probed['peak_memory_bytes'])}; the budget is "
            f"{format_bytes(budget.bytes)} ({budget.source}).",
        ),
    )


def _choose(config: RunConfig, train_bytes: int, seconds: float, machine: dict[str, Any]) -> tuple[int, Recipe, str]:
    """Vocabulary and recipe, with what was fixed by hand, and why this precision."""
    speeds = {name: machine[f"{name}_flops_per_second"] for name in ("bf16", "fp32")}
    precision = config.train.precision or ("bf16" if speeds["bf16"] > speeds["fp32"] else "fp32")
    vocab_size, recipe = choose_recipe(train_bytes, seconds, speeds[precision], bf16=precision == "bf16")
    reason = (
        f"{precision} arithmetic: matrix products reach {speeds['bf16'] / 1e9:.0f} GFLOP/s in bf16 and "
        f"{speeds['fp32'] / 1e9:.0f} in fp32 on {machine['threads']} threads."
    )
    try:
        return config.tokenize.vocab_size or vocab_size, config.train.apply_to(recipe), reason
    except ValidationError as error:
        raise BadInput(f"train: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _fit(recipe: Recipe, vocab_size: int, budget: Budget) -> tuple[int, int]:
    """The largest micro-batch whose predicted peak fits, and that peak. Raises CannotFit."""
    micro_batch = recipe.batch_sequences
    while (needed := predict_training(recipe, vocab_size, micro_batch)) > budget.bytes:
        if micro_batch == 1:
            raise _cannot_fit(needed, budget)
        micro_batch = smaller_micro_batch(recipe, micro_batch)
    return micro_batch, needed


def smaller_micro_batch(recipe: Recipe, micro_batch: int) -> int:
    """The next smaller micro-batch that divides the batch: the same training in smaller pieces."""
    return max(size for size in range(1, micro_batch) if recipe.batch_sequences % size == 0)


def _cannot_fit(needed: int, budget: Budget) -> CannotFit:
    return CannotFit(
        f"train: needs about {format_bytes(needed)} even with the smallest micro-batch, the budget is "
        f"{format_bytes(budget.bytes)} ({budget.source}); run again with --memory {format_budget(needed)}"
    )


def chunk_steps(steps: int, seconds: float) -> int:
    """Steps a chunk: a few dozen seconds each, more in long runs, at least two chunks beyond a minute."""
    chunks = min(MOST_CHUNKS, max(1 if seconds < 60 else 2, round(seconds / CHUNK_SECONDS)))
    return math.ceil(steps / chunks)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
