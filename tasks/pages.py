"""What each stage's page in Prefect says, as markdown. Reads JSON only: the orchestrating process stays light."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lm.champions.champion import Decision
from lm.clean.config import FILTERS
from lm.clean.metrics import CleanMetrics
from lm.formatting import format_bytes, format_count, format_duration, format_text_size
from lm.generate.metrics import GenerateMetrics
from lm.planning.plan import Plan
from lm.report.next_steps import next_steps
from lm.report.report_text import about_baseline, evaluation_note, figures, lede, not_finished, verdict
from lm.report.run_facts import RunFacts, Sample
from lm.runs.explain import SHOWN_KEY, made_by
from lm.runs.lineage import Lineage, all_artifacts, made_into
from lm.runs.run_record import RunRecord, StageRecord, UnfinishedStage, list_runs
from lm.stages import stage_named, stage_names, stage_of
from lm.store.artifacts import Artifact, Store
from lm.store.files import read_json
from lm.text.raw_sources import SOURCES_FILE
from lm.text.splits import TEXT_UNITS, Split
from lm.tokenize.metrics import TokenizeMetrics
from lm.train.metrics import TrainMetrics
from tasks.markdown import bullets, command_line, escape, facts, link, page, quote, table

MAX_ROWS, MAX_FILES, MAX_RELATIVES = 100, 8, 6
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
                f"{format_bytes(artifact.manifest.peak_memory_bytes or 0)} of memory at the most.",
                f"It is in the folder {record.path}: {', '.join(files[:MAX_FILES])}{' …' * (len(files) > MAX_FILES)}",
            ]
        ),
    )


def plan_page(plan: Plan) -> str:
    """What was settled, and why."""
    return page(
        bullets(plan.reasons),
        "## The numbers",
        facts(
            {
                "parameters": format_count(plan.recipe.parameters(plan.vocab_size)),
                "tokens in the vocabulary": f"{plan.vocab_size:,}",
                "expected memory": format_bytes(plan.predicted_memory_bytes),
                "seconds per step": f"{plan.step_seconds:.3f}",
                "steps per chunk": plan.chunk_steps,
                "sequences at a time": plan.micro_batch,
                "device": plan.device,
                "threads": plan.threads,
            }
            | plan.recipe.model_dump()
        ),
    )


def stage_rows(run: RunRecord) -> list[dict[str, Any]]:
    """One row a stage for a table artifact, whose cells are markdown too."""
    stages: list[tuple[str, str, str, StageRecord | UnfinishedStage]] = [
        (name, stage.status, stage.reason, stage) for name, stage in run.stages.items()
    ]
    stages += [(stage.stage, status, stage.progress, stage) for stage, status in not_finished(run)]
    return [
        {
            "stage": name,
            "status": status,
            "why": escape(why),
            "took": format_duration(stage.seconds),
            "peak memory": _size(stage.peak_memory_bytes),
            "predicted": _size(stage.predicted_memory_bytes),
        }
        for name, status, why, stage in stages
    ]


def run_page(run: RunFacts, report: Path) -> str:
    """What the run came to, what fits it next, and where its report is: a page of this server cannot link to a file."""
    steps = [part for step in next_steps(run) for part in (escape(step.text), command_line(step.command))]
    return page(
        "\n\n".join(map(escape, lede(run))),
        facts({figure.name: f"{figure.value} ({figure.note})" for figure in figures(run)}),
        "## What next",
        *steps,
        "## The report",
        f"All of it with pictures is in one file. Open it in a browser: copy this address,\n\n    {report.as_uri()}\n",
        f"or this path:\n\n    {report}\n",
    )


def lineage_page(run: RunRecord, store: Store) -> str:
    """What each artifact of the run was made from, what was made from it, in this run and in others, and by whom."""
    runs, artifacts = list_runs(store), {artifact.key: artifact for artifact in all_artifacts(store)}
    parts = []
    for stage, record in run.stages.items():
        if artifact := artifacts.get(record.key):
            before = [Lineage(stage=name, key=key) for name, key in artifact.manifest.inputs.items()]
            maker = escape(made_by(runs, stage, record.key) or "a run that is gone")
            after = _relatives(made_into(artifact, artifacts)) or "nothing so far"
            parts.append(f"- {_stage_link(stage, record.key)}, by run {maker}")
            parts += [f"    - from {_relatives(before)}", f"    - into {after}"]
    return page(
        "\n".join(parts),
        "`python -m lm inspect KEY` follows one of them back to the sources, and on to all that came of it.",
    )


def _relatives(relatives: Sequence[Lineage]) -> str:
    shown = [_stage_link(stage_of(node.stage), node.key) for node in relatives[:MAX_RELATIVES]]
    more = [f"and {len(relatives) - MAX_RELATIVES} more"] if len(relatives) > MAX_RELATIVES else []
    return ", ".join([*shown, *more])


def _stage_link(stage: str, key: str) -> str:
    """A stage's artifact, linked to the page that shows all of its stage; of a source file its name alone."""
    if stage in stage_names():
        return f"{link(stage, f'/artifacts/key/{stage}')} {key[:SHOWN_KEY]}"
    return escape(stage.partition("-")[2])


def champion_page(decision: Decision, answer: str, curve: str) -> str:
    """What was decided about the champion, on which numbers, and how often to retrain."""
    held = decision.contest
    rows = []
    if held:
        named = [("challenger", held.challenger), ("champion", held.champion), *(("elder", e) for e in held.elders)]
        rows = [(name, s.model, f"{s.bits_per_byte:.4f}", f"{s.age_days:.1f}") for name, s in named if s]
    return page(
        escape(f"{decision.action}: {decision.reason}"),
        facts({"champion": decision.champion, "before": decision.previous, "run": decision.run_id}),
        table(["on the same new text", "model", "bits per byte", "age in days"], rows) if rows else "",
        "## How often to retrain",
        escape(answer),
        curve,
    )


def samples_page(samples: Sequence[Sample]) -> str:
    """What the model wrote; the words it was given are in bold."""
    parts = []
    for number, sample in enumerate(samples, start=1):
        given = f"**{escape(sample.prompt)}** …" if sample.prompt else "*(an empty page)*"
        note = f"temperature {sample.temperature:g}, top-p {sample.top_p:g}, seed {sample.seed}"
        parts += [f"## {number}. {given}", quote(sample.text), f"{escape(note)}, judged {escape(sample.verdict)}"]
    return page(*parts)


def _download(artifact: Artifact, run: RunFacts) -> str:
    sources = read_json(artifact.path / SOURCES_FILE)["sources"]
    rows = [
        (source["name"], format_text_size(source["bytes"]), f"{source['sha256'][:12]}…", source["licence"])
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
        "lines decoded anew": metrics.repaired_lines,
        "bytes of headers and footers cut": metrics.boilerplate_bytes,
        "control characters taken out": metrics.control_characters,
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
            "final loss, nats a token": "" if loss is None else f"{loss:.3f}",
            "smaller batches for want of memory": len(metrics.downshifts) or "",
            "begun anew by this run for want of memory": run.run.memory_retries or "",
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
            "tokens a second": metrics.tokens_per_second,
            "repetition": metrics.degeneracy.verdict,
            "longest passage that is in the training text too, in characters": metrics.longest_match_characters,
            "the same for human text": metrics.human_longest_match_characters,
        }
    )


def _facts(artifact: Artifact, run: RunFacts) -> str:
    """What a stage without a page of its own says of its artifact."""
    metrics = artifact.read_metrics(stage_named(artifact.manifest.stage).metrics)
    return facts(metrics.model_dump(mode="json", exclude={"notes"}))


def _size(count: int | None) -> str:
    return "" if count is None else format_bytes(count)


PAGES: dict[str, Callable[[Artifact, RunFacts], str]] = {
    "download": _download,
    "clean": _clean,
    "tokenize": _tokenize,
    "train": _train,
    "evaluate": _evaluate,
    "generate": _generate,
}
