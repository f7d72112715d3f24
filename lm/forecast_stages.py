"""Memory, time and disk of every stage, and which of them are done already."""

from typing import NamedTuple

from lm import predict, stage_times
from lm.choose import text_tokens
from lm.config import StageConfig
from lm.corpora import resolve
from lm.forecast_corpus import Known
from lm.forecast_training import Request, TrainingForecast
from lm.memory import required_budget
from lm.plan import Plan
from lm.stages import stage_key
from lm.store import Store

CLEAN_SHARE = 0.4  # of the text's bytes, compressed
TOKEN_BYTES, TOKEN_MAP_BYTES = 1.2, 2  # of a token: in the shards, and in the map that training reads
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


def forecast_stages(
    request: Request, training: TrainingForecast, known: Known, plan: Plan | None, store: Store
) -> tuple[StageForecast, ...]:
    """Every stage in its order, the plan's trial among them."""
    done = _done(request, known, plan, store)
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


def _done(request: Request, known: Known, plan: Plan | None, store: Store) -> set[str]:
    """The stages whose artifacts exist: found by their keys, as the pipeline finds them."""
    done = {name for name, artifact in (("download", known.raw), ("clean", known.clean)) if artifact}
    if known.clean is None or plan is None:
        return done
    config, clean = request.config, known.clean.key
    tokenize = config.tokenize
    if tokenize.vocab_size is None:
        tokenize = tokenize.model_copy(update={"default_vocab_size": plan.vocab_size})
    tokens = stage_key(
        "tokenize", tokenize, {"clean": clean} | ({"tokenizer": tokenize.from_run} if tokenize.from_run else {})
    )
    model = stage_key("train", plan.recipe, {"tokenize": tokens})
    keys = {
        "tokenize": tokens,
        "train": model,
        "evaluate": stage_key("evaluate", config.evaluate, {"train": model, "tokenize": tokens, "clean": clean}),
        "generate": stage_key("generate", config.generate, {"train": model, "clean": clean}),
    }
    return done | {"plan"} | {stage for stage, key in keys.items() if store.find(stage, key)}


def _needs(request: Request, training: TrainingForecast) -> dict[str, _Needs]:
    config, corpus, recipe = request.config, request.corpus, training.recipe
    whole, tokens = corpus.bytes, text_tokens(corpus.bytes, training.vocab_size)
    sources = resolve(config.download.corpus).sources
    reached = request.reached_flops_per_second(recipe.precision)
    prompts = len(config.generate.prompts) or DEFAULT_PROMPTS
    judged = config.evaluate.samples * len(config.evaluate.temperatures) * config.evaluate.sample_tokens
    written = prompts * config.generate.samples * config.generate.tokens
    return {
        "download": _Needs(
            predict.predict_download(),
            stage_times.download_seconds(
                whole,
                over_network=any(source.kind in ("url", "place", "remote") for source in sources),
                embedded=any(source.kind == "embedded" for source in sources),
            ),
            whole if all(source.kind == "file" for source in sources) else 2 * whole,
        ),
        "clean": _Needs(
            predict.predict_cleaning(whole, corpus.largest_document_bytes),
            stage_times.clean_seconds(whole),
            CLEAN_SHARE * whole,
        ),
        "plan": _Needs(
            max(training.predicted_memory_bytes, predict.predict_least()[1]),
            stage_times.plan_seconds(request.machine["threads"]),
            0,
        ),
        "tokenize": _Needs(
            predict.predict_tokenizing(config.tokenize, corpus.train_bytes, corpus.largest_document_bytes),
            stage_times.tokenize_seconds(whole, config.tokenize.sample_bytes),
            TOKEN_BYTES * tokens,
        ),
        "train": _Needs(
            training.predicted_memory_bytes,
            training.seconds + stage_times.TORCH_START_SECONDS,
            CHECKPOINTS_AT_ONCE * predict.checkpoint_bytes(recipe, training.vocab_size)
            + 4 * training.parameters
            + TOKEN_MAP_BYTES * tokens,
        ),
        "evaluate": _Needs(
            predict.predict_evaluating(training.parameters, whole),
            stage_times.evaluate_seconds(
                recipe,
                training.vocab_size,
                heldout_tokens=text_tokens(corpus.heldout_bytes, training.vocab_size),
                baseline_bytes=min(whole, config.evaluate.ngram_bytes) + min(whole, config.evaluate.compressor_bytes),
                written_tokens=judged,
                reached_flops=reached,
            ),
            SAMPLES_BYTES,
        ),
        "generate": _Needs(
            predict.predict_generating(training.parameters),
            stage_times.generate_seconds(recipe, training.vocab_size, written),
            SAMPLES_BYTES,
        ),
    }
