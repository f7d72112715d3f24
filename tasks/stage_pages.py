"""What each stage's page in Prefect says, as markdown. Reads JSON only: the orchestrating process stays light."""

from collections.abc import Callable

from lm.clean.config import FILTERS
from lm.clean.metrics import CleanMetrics
from lm.formatting import format_bytes, format_count, format_duration, format_text_size
from lm.generate.metrics import GenerateMetrics
from lm.report.report_text import about_baseline, evaluation_note, verdict
from lm.report.run_facts import RunFacts
from lm.runs.run_record import StageRecord
from lm.stages import stage_named
from lm.store.artifacts import Artifact
from lm.text.raw_sources import SOURCES_FILE, read_sources
from lm.text.splits import TEXT_UNITS, Split
from lm.tokenize.metrics import TokenizeMetrics
from lm.train.metrics import TrainMetrics
from tasks.markdown import bullets, escape, facts, page, table

MAX_ROWS, MAX_FILES = 100, 8
SIDES: dict[str, Split] = {"to train on": "train", "held out": "heldout"}


def stage_page(artifact: Artifact, record: StageRecord, run: RunFacts) -> str:
    """The page of a finished stage: what came of it, then how and where."""
    files, metrics = list(artifact.manifest.outputs), stage_named(artifact.manifest.stage).metrics
    return page(
        PAGES.get(artifact.manifest.stage, _facts)(artifact, run),
        bullets(artifact.read_metrics(metrics).notes),
        "## How and where",
        bullets(
            [
                f"This time {record.status}: {record.reason}.",
                f"It took {format_duration(artifact.manifest.seconds)} to make, and "
                f"{format_bytes(artifact.manifest.peak_memory_bytes or 0)} of memory at most.",
                f"It is in the folder {record.path}: {', '.join(files[:MAX_FILES])}{' …' * (len(files) > MAX_FILES)}",
            ]
        ),
    )


def _download(artifact: Artifact, run: RunFacts) -> str:
    sources = read_sources(artifact.path)
    rows = [
        (source.name, format_text_size(source.bytes), f"{source.sha256[:12]}…", source.licence)
        for source in sources[:MAX_ROWS]
    ]
    more = f"and {len(sources) - MAX_ROWS:,} more: see {SOURCES_FILE}" if len(sources) > MAX_ROWS else ""
    return page(table(["source", "size", "SHA-256", "licence"], rows), escape(more))


def _clean(artifact: Artifact, run: RunFacts) -> str:
    metrics = artifact.read_metrics(CleanMetrics)
    splits = [(name, *(f"{metrics.count(split, unit):,}" for unit in TEXT_UNITS)) for name, split in SIDES.items()]
    changed = {
        "files that could not be read": metrics.skipped_files,
        "lines and rows without a text": metrics.rejects,
        "empty documents dropped": metrics.dropped_empty,
        "exact duplicates dropped": metrics.dropped_duplicates,
        "near-duplicates": metrics.near_duplicate_documents,
        "of these dropped": metrics.dropped_near_duplicates,
        **{f"dropped, {reason}": count for reason, count in metrics.rejected.items() if reason in FILTERS},
        "wrongly decoded lines repaired": metrics.repaired_lines,
        "bytes of headers and footers cut": metrics.boilerplate_bytes,
        "control characters removed": metrics.control_characters,
        "unreadable characters replaced": metrics.replaced_characters,
    }
    sources = [
        (name, f"{size.documents:,}", f"{size.characters:,}", f"{size.bytes:,}")
        for name, size in list(metrics.sources.items())[:MAX_ROWS]
    ]
    return page(
        table(["", *TEXT_UNITS], splits),
        "## What was dropped",
        facts({name: f"{count:,}" for name, count in changed.items()}),
        "## By source",
        table(["source", *TEXT_UNITS], sources),
    )


def _tokenize(artifact: Artifact, run: RunFacts) -> str:
    metrics = artifact.read_metrics(TokenizeMetrics)
    per_token = {"train": metrics.train_bytes_per_token, "heldout": metrics.heldout_bytes_per_token}
    rows = [
        (name, f"{metrics.count(split, 'tokens'):,}", f"{metrics.count(split, 'bytes'):,}", f"{per_token[split]:,}")
        for name, split in SIDES.items()
    ]
    return page(
        facts({"kind": metrics.kind, "tokens in the vocabulary": f"{metrics.vocab_size:,}"}),
        table(["", "tokens", "bytes", "bytes per token"], rows),
    )


def _train(artifact: Artifact, run: RunFacts) -> str:
    metrics = artifact.read_metrics(TrainMetrics)
    resumed, tokens, loss = metrics.resumed_from_step, metrics.trained_tokens, metrics.final_loss
    return facts(
        {
            "parameters": format_count(metrics.parameters),
            "steps": f"{metrics.steps:,}",
            "continued from step": "" if resumed is None else f"{resumed:,}",
            "tokens read": "" if tokens is None else format_count(tokens),
            "passes over the text": metrics.passes_over_the_data,
            "final loss, nats per token": "" if loss is None else f"{loss:.3f}",
            "times memory was short: smaller micro-batches": len(metrics.downshifts) or "",
            "times memory ran out: new processes": run.run.memory_retries or "",
            "SHA-256 of the weights": f"{metrics.weights_sha256[:12]}…",
        }
    )


def _evaluate(artifact: Artifact, run: RunFacts) -> str:
    found = run.evaluation
    if found is None:
        return ""
    scores = {"**the model**": found.bits_per_byte}
    scores |= {escape(name): bits for name, bits in found.baselines.items()}
    lines = [
        f"| {name} | {bits:.3f} | {escape(about_baseline(name))} |"
        for name, bits in sorted(scores.items(), key=lambda item: item[1])
    ]
    header = ["| method | bits per byte | |", "|---|--:|---|"]
    return page(escape(verdict(found)), "\n".join([*header, *lines]), escape(evaluation_note(found)))


def _generate(artifact: Artifact, run: RunFacts) -> str:
    metrics = artifact.read_metrics(GenerateMetrics)
    return facts(
        {
            "samples": metrics.samples,
            "tokens": f"{metrics.tokens:,}",
            "tokens per second": metrics.tokens_per_second,
            "repetition": metrics.degeneracy.verdict,
            "longest copied passage, in characters": metrics.longest_match_characters,
            "the same in held-out text by people": metrics.human_longest_match_characters,
        }
    )


def _facts(artifact: Artifact, run: RunFacts) -> str:
    """What a stage without a page of its own says of its artifact."""
    metrics = artifact.read_metrics(stage_named(artifact.manifest.stage).metrics)
    return facts(metrics.model_dump(mode="json", exclude={"notes"}))


PAGES: dict[str, Callable[[Artifact, RunFacts], str]] = {
    "download": _download,
    "clean": _clean,
    "tokenize": _tokenize,
    "train": _train,
    "evaluate": _evaluate,
    "generate": _generate,
}
