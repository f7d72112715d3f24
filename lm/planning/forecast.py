"""Time, memory and quality of a run, predicted in seconds and without training: `slowburn plan`.

It settles what the pipeline would settle (`plan.py`) from what is known of this machine, but for the plan's trial: the
time of a step is an estimate until the pipeline has made and kept a plan, which is then used here too.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lm.config import StageConfig
from lm.memory.budget import Budget, required_budget
from lm.planning.candidates import least_bytes, smallest_choice
from lm.planning.corpus_preview import Preview
from lm.planning.forecast_corpus import CorpusForecast, Known, clean_forecast, corpus_forecast, find_known
from lm.planning.forecast_stages import StageForecast, forecast_stages, stages_done
from lm.planning.forecast_training import Request, TrainingForecast, choice_of, forecast_choice, forecast_plan
from lm.planning.machine import TrainingMachine
from lm.planning.plan import Plan, find_plan
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.planning.stage_times import REPORT_SECONDS, RUN_START_SECONDS
from lm.planning.starting_model import look_up_starting_model, with_starting_model
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION
from lm.train.memory import min_run_bytes

GPU_FLOPS_PER_SECOND = 5e12  # what training might reach on a laptop's graphics card: assumed, not measured
GPU_NOTE = "an estimate: 5 TFLOP/s are assumed (on an H100, small models reached 1 to 20)"
REPORT_BYTES = 3_000_000
AROUND_SECONDS = RUN_START_SECONDS + REPORT_SECONDS

Measure = Callable[[], TrainingMachine]


class Looks(NamedTuple):
    """What is done in a child to see what a text is like."""

    preview: Preview
    measure_text: Callable[[Path], dict[int, float]]  # of a clean artifact's folder: bytes per token


class Alternative(StageConfig):
    """The same request with one thing changed; `training` is None where nothing would fit."""

    change: str
    training: TrainingForecast | None
    note: str = ""


class Forecast(StageConfig):
    """All of it, as `--json` prints it."""

    schema_version: int = SCHEMA_VERSION
    corpus: CorpusForecast
    starts_from: str | None  # a model; what is expected then is what random weights would come to
    budget: Budget
    fits: bool
    least_memory_bytes: int  # the least budget in which this request could run, with the smallest model
    kept_plan: str | None
    device: str
    threads: int
    seeds: int  # models, each trained as `training` says
    stages: tuple[StageForecast, ...]
    training: TrainingForecast
    start_and_report_seconds: float  # of the run, around its stages
    seconds: float  # from the first to the last of the process
    disk_bytes: int
    disk_free_bytes: int
    alternatives: tuple[Alternative, ...]
    reasons: tuple[str, ...]


def forecast(config: RunConfig, store: Store, budget: Budget, measure: Measure, looks: Looks) -> Forecast:
    """Forecast a run; `measure` gives what is known of this machine, `looks` what is seen of the text.

    Raises BadInput for what cannot be forecast.
    """
    config, _ = reused_tokenizer(store, config)
    known = find_known(config, store)
    start = look_up_starting_model(store, config.init_from) if config.init_from else None
    asked = with_starting_model(config, start) if start else config
    kept = find_plan(store, asked, known.clean.key, budget) if known.clean else None
    plan = kept[0] if kept else None
    measure_text = (lambda _: plan.bytes_per_token) if plan else looks.measure_text
    request = Request(asked, budget, corpus_forecast(config, known, looks.preview, measure_text), measure())
    choice, _ = choice_of(request)
    training = forecast_plan(request, plan) if plan else forecast_choice(request, choice)
    done = stages_done(config, known, plan, start.key if start else None, store)
    stages = forecast_stages(request, training, done)
    return Forecast(
        corpus=request.corpus,
        starts_from=config.init_from,
        budget=budget,
        fits=all(stage.fits for stage in stages),
        least_memory_bytes=_least_memory(request, training, done),
        kept_plan=kept[1].relative_to(store.root).as_posix() if kept else None,
        device=plan.device if plan else request.machine.device,
        threads=plan.threads if plan else config.threads or request.machine.threads,
        seeds=config.seeds,
        stages=stages,
        training=training,
        start_and_report_seconds=AROUND_SECONDS,
        seconds=AROUND_SECONDS + sum(stage.seconds for stage in stages),
        disk_bytes=sum(stage.disk_bytes for stage in stages) + REPORT_BYTES,
        disk_free_bytes=_free_bytes(store.root),
        alternatives=tuple(_alternatives(request)),
        reasons=plan.reasons if plan else choice.reasons,
    )


def seconds_left(
    config: RunConfig, store: Store, budget: Budget, machine: TrainingMachine, cleaned: Artifact, plan: Plan
) -> float | None:
    """Time that a run with this plan still takes, to the end of its process; None where its model is made already.

    `config` names the model to start from by its key, if there is one.
    """
    known = Known(clean=cleaned)
    request = Request(config, budget, clean_forecast(cleaned, plan.bytes_per_token), machine)
    done = {"download", "clean", *stages_done(config, known, plan, config.init_from, store)}
    if "train" in done:
        return None
    stages = forecast_stages(request, forecast_plan(request, plan), done)
    return REPORT_SECONDS + sum(stage.seconds for stage in stages)


def _least_memory(request: Request, training: TrainingForecast, done: set[str]) -> int:
    """The least budget: training can be shrunk, the other stages need what they need when one core works."""
    poorest = request._replace(budget=request.budget.model_copy(update={"bytes": 0}))
    stages = forecast_stages(poorest, training, done)
    smallest = smallest_choice(request.config, request.corpus.training_text, request.machine)
    fixed = [stage.predicted_memory_bytes for stage in stages if stage.stage not in ("plan", "train")]
    return required_budget(max(least_bytes(smallest, request.machine.device), min_run_bytes(), *fixed))


def _free_bytes(root: Path) -> int:
    """Free space where the artifacts will be, in a folder that may not exist yet."""
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _alternatives(request: Request) -> Iterator[Alternative]:
    """Half and twice the memory and the time, and a graphics card."""
    config, budget = request.config, request.budget
    for word, factor in (("half", 0.5), ("twice", 2.0)):
        other = budget.model_copy(update={"bytes": int(budget.bytes * factor)})
        yield _alternative(f"{word} the memory", request._replace(budget=other))
    if config.train.steps is None:
        for word, factor in (("half", 0.5), ("twice", 2.0)):
            longer = config.model_copy(update={"minutes": config.minutes * factor})
            yield _alternative(f"{word} the time", request._replace(config=longer))
    if request.machine.device == "cpu":
        machine = request.machine.with_training_speed(bf16=GPU_FLOPS_PER_SECOND, fp32=GPU_FLOPS_PER_SECOND)
        yield _alternative("a GPU", request._replace(machine=machine), GPU_NOTE)


def _alternative(change: str, request: Request, note: str = "") -> Alternative:
    choice, fits = choice_of(request)
    return Alternative(change=change, training=forecast_choice(request, choice) if fits else None, note=note)
