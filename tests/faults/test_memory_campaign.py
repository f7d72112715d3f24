"""A sweep of memory caps over every stage: `make test-memory`, half an hour on two cores.

Under each cap a stage is complete, or ends as out of memory with nothing half-written; where it was said to fit, it is
complete. The figures are printed at the end of each stage.
"""

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lm.clean.config import CleanConfig
from lm.clean.memory import predict_cleaning
from lm.clean.metrics import CleanMetrics
from lm.compressors.memory import predict_compressing
from lm.download.config import DownloadConfig
from lm.download.jobs import download
from lm.download.memory import predict_download
from lm.download.stage import key_of, resolve
from lm.errors import OutOfMemory
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.memory import predict_evaluating
from lm.formatting import format_bytes
from lm.generate.config import GenerateConfig
from lm.generate.memory import predict_generating
from lm.memory.budget import Budget, required_budget
from lm.model.config import TrainingConfig
from lm.planning.jobs import try_training
from lm.planning.machine import DeviceSpeed, Machine
from lm.planning.plan import TRIAL_SECONDS, make_plan
from lm.planning.trial_result import TrialResult
from lm.progress import silent
from lm.run_config import RunConfig
from lm.stages import stage_key, stage_named, stage_work
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.memory import predict_tokenizing
from lm.train.config import TrainConfig
from lm.train.jobs import finish_training, start_training, train_chunk
from lm.train.memory import predict_training

pytestmark = [pytest.mark.memory_campaign, pytest.mark.timeout(1800)]

CAPS = int(os.environ.get("SLOWBURN_CAPS", "29"))  # a stage
MIN_SHARE, MAX_SHARE = 0.3, 1.3  # of what was predicted
MAX_SECONDS = 90.0  # for a stage that takes a few: it ends within a minute of reaching its limit
OVERSHOOT_SHARE, OVERSHOOT_BYTES = 0.05, 150 * 2**20  # with a cap, and with watching alone
CLEAN = CleanConfig(heldout_fraction=0.001)  # what is held out is evaluated under many caps
TOKENIZE = TokenizeConfig(vocab_size=1024)
EVALUATE = EvaluateConfig(compressor_bytes=50_000, samples=1, sample_tokens=16, resamples=100)
GENERATE = GenerateConfig(samples=1, tokens=32)
RECIPE = TrainingConfig(
    layers=4, width=192, heads=4, kv_heads=4, mlp_width=768, context=256, batch_sequences=16,
    steps=3, precision="fp32", seed=1,
)  # fmt: skip
# fp32 runs anywhere, bf16 takes minutes a step where it is emulated
FAST = DeviceSpeed(
    fp32_flops_per_second=2e11,
    bf16_flops_per_second=1e11,
    fp32_training_flops_per_second=2e11,
    bf16_training_flops_per_second=1e11,
)
FAST_MACHINE = Machine(
    cpu="made up", threads=1, cores=1, torch="2", cpu_capability="AVX2", devices={"cpu": FAST}
).with_device("cpu")


class Made(NamedTuple):
    """A store with one artifact of each stage, and their keys."""

    store: Store
    download: DownloadConfig
    keys: dict[str, str]


class Outcome(NamedTuple):
    """What became of a stage under one cap."""

    cap: int
    complete: bool
    reason: str
    peak: int
    seconds: float


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A corpus of one document of five megabytes and its tokens, made with memory to spare; the keys of all stages."""
    folder = tmp_path_factory.mktemp("campaign")
    corpus = folder / "corpus.txt"
    generator = random.Random(1)
    words = ["".join(generator.choices("etaoinshrdlu", k=generator.randint(1, 9))) for _ in range(5000)]
    lines = (" ".join(generator.choices(words, k=12)) for _ in range(70_000))
    corpus.write_text("\n".join(lines) + "\n")
    store, download = Store(folder), DownloadConfig(corpus=(str(corpus),))
    keys = {"download": str(key_of(resolve(download, store)))}
    keys["clean"] = stage_key("clean", CLEAN, {"download": keys["download"]})
    keys["tokenize"] = stage_key("tokenize", TOKENIZE, {"clean": keys["clean"]})
    keys["train"] = stage_key("train", RECIPE, {"tokenize": keys["tokenize"]})
    keys["compressors"] = stage_key("compressors", EVALUATE.compressors, {"clean": keys["clean"]})
    inputs = {name: keys[name] for name in ("train", "tokenize", "clean", "compressors")}
    keys["evaluate"] = stage_key("evaluate", EVALUATE, inputs)
    keys["generate"] = stage_key("generate", GENERATE, {"train": keys["train"], "clean": keys["clean"]})
    everything = Made(store, download, keys)
    make_all(everything, "download", "clean", "tokenize")
    return everything


@pytest.fixture(scope="module")
def made(text: Made) -> Made:
    """All stages of the text."""
    make_all(text, "train", "compressors", "evaluate", "generate")
    return text


def make_all(made: Made, *stages: str) -> None:
    for stage in stages:
        with child_with(8 * 2**30, stage) as child:
            WORK[stage](made, child)


def child_with(cap: int, stage: str) -> SupervisedChild:
    return SupervisedChild(Budget(bytes=cap, source="flag"), threads=1, keeps_freed_memory=stage in ("train", "plan"))


def make(made: Made, child: SupervisedChild, stage: str, config: Any, inputs: tuple[str, ...]) -> None:
    work = stage_work(made.store, stage, config, {name: made.keys[name] for name in inputs})
    job = stage_named(stage).make
    assert job
    child.call(job, silent, work)


def train(
    made: Made,
    child: SupervisedChild,
    recipe: TrainingConfig = RECIPE,
    key: str | None = None,
    micro_batch: int = RECIPE.batch_sequences,
) -> None:
    work = stage_work(made.store, "train", recipe, {"tokenize": made.keys["tokenize"]})
    work = work.model_copy(update={"key": key or made.keys["train"]})
    child.call(start_training, silent, work, micro_batch=micro_batch, device="cpu", checkpoint_seconds=15.0)
    child.call(train_chunk, silent, recipe.steps)
    child.call(finish_training, silent, work)


def try_steps(made: Made, child: SupervisedChild) -> None:
    child.call(try_training, silent, RECIPE, 1024, RECIPE.batch_sequences, "cpu", 1.0)


WORK: dict[str, Callable[[Made, SupervisedChild], object]] = {
    "download": lambda made, child: child.call(download, silent, made.store.root, made.download),
    "clean": lambda made, child: make(made, child, "clean", CLEAN, ("download",)),
    "tokenize": lambda made, child: make(made, child, "tokenize", TOKENIZE, ("clean",)),
    "train": train,
    "compressors": lambda made, child: make(made, child, "compressors", EVALUATE.compressors, ("clean",)),
    "evaluate": lambda made, child: make(
        made, child, "evaluate", EVALUATE, ("train", "tokenize", "clean", "compressors")
    ),
    "generate": lambda made, child: make(made, child, "generate", GENERATE, ("train", "clean")),
}


def predicted(made: Made, stage: str) -> int:
    text = made.store.open(made.store.path("clean", made.keys["clean"])).read_metrics(CleanMetrics)
    parameters = RECIPE.parameters(1024)
    whole, longest = text.text_bytes, text.longest_document_bytes
    return {
        "download": predict_download(),
        "clean": predict_cleaning(whole, longest),
        "tokenize": predict_tokenizing(TOKENIZE, text.train_bytes, longest),
        "plan": predict_training(RECIPE, 1024, RECIPE.batch_sequences),
        "train": predict_training(RECIPE, 1024, RECIPE.batch_sequences),
        "compressors": predict_compressing(EVALUATE.compressors, whole),
        "evaluate": predict_evaluating(parameters, whole),
        "generate": predict_generating(parameters),
    }[stage]


def under(made: Made, stage: str, cap: int, hide: Path) -> Outcome:
    """Make a stage anew under a cap; what there was is put back afterwards."""
    kept = made.store.path(stage, made.keys[stage]) if stage in made.keys else None
    if kept:
        kept.rename(hide)
    started = time.monotonic()
    reason = ""
    try:
        with child_with(cap, stage) as child:
            (WORK | {"plan": try_steps})[stage](made, child)
    except OutOfMemory as error:
        reason = error.reason
    finally:
        seconds = time.monotonic() - started
        if kept:
            assert (kept / "manifest.json").exists() == kept.exists() == (not reason), "whole or not at all"
            for left in (kept, made.store.partial(stage, made.keys[stage])):
                if left.exists():
                    left.rename(hide.with_name(f"gone-{time.monotonic_ns()}"))
            hide.rename(kept)
    return Outcome(cap, not reason, reason, child.peak_bytes, seconds)


@pytest.mark.parametrize(
    "stage", ["download", "clean", "tokenize", "plan", "train", "compressors", "evaluate", "generate"]
)
def test_every_cap_ends_well(
    made: Made, stage: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Complete, or out of memory and said so: no hang, no crash, nothing half-written, no overshoot."""
    needed = predicted(made, stage)
    caps = [int(needed * share) for share in np.linspace(MIN_SHARE, MAX_SHARE, CAPS)]
    outcomes = [under(made, stage, cap, tmp_path / "hidden") for cap in caps]
    complete = [outcome for outcome in outcomes if outcome.complete]
    over = max(outcome.peak - outcome.cap for outcome in outcomes)
    record_property(
        "figures",
        f"{stage:9} predicted {format_bytes(needed):>8}: {len(complete)} of {len(outcomes)} caps complete, the "
        f"least {format_bytes(min((o.cap for o in complete), default=0))}; overshoot {over / 2**20:.0f} MiB, "
        f"longest {max(outcome.seconds for outcome in outcomes):.0f} s, all "
        f"{sum(outcome.seconds for outcome in outcomes):.0f} s",
    )
    for outcome in outcomes:
        assert outcome.seconds < MAX_SECONDS, outcome
        assert outcome.peak <= max(outcome.cap * (1 + OVERSHOOT_SHARE), outcome.cap + OVERSHOOT_BYTES), outcome
        if required_budget(needed) <= outcome.cap:
            assert outcome.complete, f"{stage} was said to fit {format_bytes(outcome.cap)}: {outcome}"


@pytest.mark.parametrize("megabytes", np.geomspace(3072, 512, 20).astype(int).tolist())  # the longest first
def test_a_plan_uses_its_budget(
    text: Made, megabytes: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With time and text to spare, what a plan suggests runs to the end under a real cap and takes 75 % of it or more.

    Speed and size of the text are made up, so that every budget has a larger model to gain; batches are small, so that
    the steps of the largest take seconds.
    """
    budget = Budget(bytes=megabytes * 10**6, source="flag")

    def probe(recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> TrialResult:
        with SupervisedChild(budget, threads=threads, keeps_freed_memory=True) as child:
            result = child.call(try_training, silent, recipe, vocab_size, micro_batch, "cpu", TRIAL_SECONDS)
        flops = recipe.tokens_per_step * recipe.flops_per_token(vocab_size)
        step_seconds = flops / FAST_MACHINE.training_flops_per_second(recipe.precision)
        return result.model_copy(update={"step_seconds": step_seconds})

    clean = text.store.open(text.store.path("clean", text.keys["clean"]))
    plenty = clean.manifest.model_copy(update={"metrics": clean.manifest.metrics | {"train_bytes": 2 * 10**10}})
    clean = clean.model_copy(update={"manifest": plenty})
    small_steps = TrainConfig(batch_sequences=4, context=128)
    config = RunConfig(minutes=30_000, threads=1, tokenize=TOKENIZE, train=small_steps)
    plan = make_plan(Store(tmp_path), config, clean, budget, lambda: FAST_MACHINE, probe, dict)
    recipe, key = plan.recipe.model_copy(update={"steps": 2}), f"budget-{megabytes}"
    began = time.monotonic()
    try:
        with SupervisedChild(budget, threads=1, keeps_freed_memory=True) as child:
            train(text, child, recipe, key, plan.micro_batch)
    finally:
        shutil.rmtree(text.store.path("train", key), ignore_errors=True)
        shutil.rmtree(text.store.partial("train", key), ignore_errors=True)
    used = child.peak_bytes / budget.bytes
    foreseen = predict_training(recipe, plan.vocab_size, plan.micro_batch)
    record_property(
        "figures",
        f"{megabytes} MB: {recipe.layers} layers of {recipe.width}, {plan.micro_batch} at a time"
        f"{', computed again' if recipe.recompute else ''}: {used:.1%} used; formula {format_bytes(foreseen)}, "
        f"plan {format_bytes(plan.predicted_memory_bytes)}, took {format_bytes(child.peak_bytes)} "
        f"and {time.monotonic() - began:.0f} s",
    )
    assert 0.75 <= used <= 1
