"""What a run's pages in Prefect say, as markdown. Reads JSON only: the orchestrating process stays light."""

from collections.abc import Sequence
from pathlib import Path

from lm.champions.champion import Decision
from lm.formatting import format_bytes, format_count, format_duration
from lm.planning.plan import Plan
from lm.report.next_steps import next_steps
from lm.report.report_text import figures, lede, not_finished
from lm.report.run_facts import RunFacts, Sample
from lm.runs.explain import SHOWN_KEY, made_by
from lm.runs.lineage import Lineage, all_artifacts, made_into
from lm.runs.run_record import RunRecord, StageRecord, UnfinishedStage, list_runs
from lm.stages import stage_names, stage_of
from lm.store.artifacts import Store
from tasks.markdown import bullets, command_line, escape, facts, link, page, quote, table

MAX_RELATIVES = 6


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


def stage_rows(run: RunRecord) -> list[dict[str, str]]:
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
    """Show the results of a run, what to do next, and where its report is: these pages cannot link to a file."""
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
        "`slowburn inspect KEY` shows what one of them was made from, and what was made from it.",
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
        named = [
            ("challenger", held.challenger),
            ("champion", held.champion),
            *(("earlier champion", e) for e in held.elders),
        ]
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


def _size(count: int | None) -> str:
    return "" if count is None else format_bytes(count)
