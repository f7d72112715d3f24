"""Memory, time and disk of every stage, and which of them are done already."""

from typing import NamedTuple

from lm.clean.memory import cleaning_pool, predict_cleaning
from lm.compressors.memory import predict_compressing
from lm.config import StageConfig
from lm.download.corpora import resolve
from lm.download.memory import predict_download
from lm.evaluate.memory import predict_evaluating
from lm.generate.memory import predict_generating
from lm.memory.budget import required_budget
from lm.planning import stage_times
from lm.planning.forecast_corpus import Known
from lm.planning.forecast_training import Request, TrainingForecast
from lm.planning.plan import Plan, tokenize_settings
from lm.run_config import RunConfig
from lm.stages import stage_key
from lm.store.artifacts import Store
from lm.store.layout import REPLICAS
from lm.tokenize.memory import predict_tokenizing
from lm.train.memory import checkpoint_bytes, min_run_bytes

CLEAN_SHARE = 1.0  # of the text's bytes, compressed: once in the artifact, once, faster, in the parts that are kept
TOKEN_BYTES, TOKEN_FILE_BYTES = 1.2, 2  # of a token: in the shards, and in the file that training reads
CHECKPOINTS_AT_ONCE = 4  # three are kept while the next is written
SAMPLES_BYTES = 500_000
DEFAULT_PROMPTS = 4


class StageForecast(StageConfig):
    """One stage: what it needs, and whether it is done already."""

    stage: str
    done: bool
    predicted_memory_bytes: int
    fits: bool
    seconds: float  # left to do
    disk_bytes: int  # still to be written


class _Needs(NamedTuple):
    memory_bytes: int
    seconds: float
    disk_bytes: float


def forecast_stages(request: Request, training: TrainingForecast, done: set[str]) -> tuple[StageForecast, ...]:
    """Every stage in its order, the plan's trial among them; `done` are those that nothing is left of."""
    return tuple(
        StageForecast(
            stage=stage,
            done=stage in done,
            predicted_memory_bytes=needs.memory_bytes,
            fits=stage in done or required_budget(needs.memory_bytes) <= request.budget.bytes,
            seconds=0.0 if stage in done else needs.seconds,
            disk_bytes=0 if stage in done else round(needs.disk_bytes),
        )
        for stage, needs in _needs(request, training).items()
    )


def stages_done(config: RunConfig, known: Known, plan: Plan | None, init: str | None, store: Store) -> set[str]:
    """The stages whose artifacts exist: found by their keys, as the pipeline finds them.

    `init`: the key of the model that training starts from.
    """
    done = {name for name, artifact in (("download", known.raw), ("clean", known.clean)) if artifact}
    if known.clean is None or plan is None:
        return done
    clean, start = known.clean.key, {"init": init} if init else {}
    settings = tokenize_settings(config, plan)
    reused = {"tokenizer": settings.from_run} if settings.from_run else {}
    tokens = stage_key("tokenize", settings, {"clean": clean, **start, **reused})
    first = plan.recipe.seed
    recipes = [plan.recipe_of(seed) for seed in range(first, first + config.seeds)]
    models = [stage_key("train", recipe, {"tokenize": tokens, **start}) for recipe in recipes]
    members = [{"train": model} for model in models]
    if len(models) > 1:
        members.append(dict(zip(REPLICAS, models, strict=False)))
    compressors = stage_key("compressors", config.evaluate.compressors, {"clean": clean})
    text = {"tokenize": tokens, "clean": clean, "compressors": compressors}
    keys = {
        "tokenize": [tokens],
        "train": models,
        "compressors": [compressors],
        "evaluate": [stage_key("evaluate", config.evaluate, named | text) for named in members],
        "generate": [stage_key("generate", config.generate, {"train": models[0], "clean": clean})],
    }
    made = {stage for stage, wanted in keys.items() if all(store.find(stage, key) for key in wanted)}
    return done | {"plan"} | made


def _needs(request: Request, training: TrainingForecast) -> dict[str, _Needs]:
    config, corpus, recipe = request.config, request.corpus, training.recipe
    whole, tokens = corpus.bytes, corpus.text(corpus.bytes).tokens(training.vocab_size)
    sources = resolve(config.download.corpus).sources
    reached = request.machine.training_flops_per_second(recipe.precision)
    raw, largest = corpus.raw_bytes, corpus.raw_largest_bytes
    crew = cleaning_pool(raw, largest, request.budget.bytes)
    prompts = len(config.generate.prompts) or DEFAULT_PROMPTS
    judged = config.evaluate.samples * len(config.evaluate.temperatures) * config.evaluate.sample_tokens
    written = prompts * config.generate.samples * config.generate.tokens
    seeds, compressors = config.seeds, config.evaluate.compressors
    judged_models = 1 if seeds == 1 else 2 * seeds  # each seed, and all of them as one
    return {
        "download": _Needs(
            predict_download(),
            stage_times.download_seconds(
                raw,
                over_network=any(source.kind == "url" for source in sources),
                embedded=any(source.kind == "embedded" for source in sources),
            ),
            raw if all(source.kind == "file" for source in sources) else 2 * raw,
        ),
        "clean": _Needs(
            predict_cleaning(raw, largest, crew.workers),
            stage_times.clean_seconds(raw, crew.workers),
            CLEAN_SHARE * whole,
        ),
        "plan": _Needs(
            max(training.predicted_memory_bytes, min_run_bytes()),
            stage_times.plan_seconds(request.machine.threads),
            0,
        ),
        "tokenize": _Needs(
            predict_tokenizing(
                config.tokenize, corpus.train_bytes, corpus.largest_document_bytes, corpus.unspaced_share
            ),
            stage_times.tokenize_seconds(whole, config.tokenize.sample_bytes),
            TOKEN_BYTES * tokens,
        ),
        "train": _Needs(
            training.predicted_memory_bytes,
            seeds * training.seconds,
            CHECKPOINTS_AT_ONCE * checkpoint_bytes(recipe, training.vocab_size)
            + 4 * seeds * training.parameters
            + TOKEN_FILE_BYTES * tokens,
        ),
        "compressors": _Needs(
            predict_compressing(compressors, whole),
            stage_times.compressors_seconds(
                corpus.train_bytes, compressors.text_bytes, request.machine.threads, zpaq=compressors.zpaq
            ),
            0,
        ),
        "evaluate": _Needs(
            predict_evaluating(seeds * training.parameters, whole),
            judged_models
            * stage_times.evaluate_seconds(
                recipe,
                training.vocab_size,
                heldout_tokens=corpus.text(corpus.heldout_bytes).tokens(training.vocab_size),
                baseline_bytes=min(whole, config.evaluate.ngram_bytes),
                written_tokens=judged,
                reached_flops=reached,
            ),
            SAMPLES_BYTES,
        ),
        "generate": _Needs(
            predict_generating(training.parameters),
            stage_times.generate_seconds(recipe, training.vocab_size, written),
            SAMPLES_BYTES,
        ),
    }
