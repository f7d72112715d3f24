"""The report of a run that goes on: how far it is, its learning curve, its memory. It loads itself anew."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lm.formatting import format_bytes, format_duration
from lm.report.live_chart import Line, line_charts
from lm.report.next_steps import NextStep
from lm.report.page import write_page
from lm.report.report_text import Figure, doing, not_finished
from lm.report.run_facts import RunFacts
from lm.runs.run_record import REPORT_FILE, MemoryRow, run_folder
from lm.store.artifacts import Store

if TYPE_CHECKING:
    from lm.train.learning_curve import CurveRow  # brings pyarrow

TEMPLATE = "live.html.jinja"
MIB = 2**20
BUDGET_IN_SIGHT = 3  # times what is used: beyond that its line would press the other one flat


class Present(NamedTuple):
    """What is known of a run at a moment, beside its record."""

    curve: "Sequence[CurveRow]"
    memory: Sequence[MemoryRow]
    left_seconds: float | None  # of the whole run
    refresh_seconds: int


def write_live_page(store: Store, facts: RunFacts, present: Present) -> None:
    """Write a run's `report.html` while it goes on, whole or not at all."""
    run = facts.run
    left = [] if present.left_seconds is None else [f"about {format_duration(present.left_seconds)} left"]
    working = run.unfinished
    content = {
        "run": run,
        "title": f"{run.status.capitalize()}: {facts.corpus}",
        "refresh_seconds": present.refresh_seconds,
        "moment": f"{datetime.now().astimezone():%H:%M:%S}",
        "now": _sentence([doing(working) if working else "", working.progress if working else "", *left]),
        "figures": list(_figures(facts, present)),
        "charts": list(_charts(facts, present)),
        "stages": list(_stages(facts)),
        "next_steps": list(_next_steps(facts)),
    }
    write_page(run_folder(store, run.run_id) / REPORT_FILE, TEMPLATE, content)


def _sentence(parts: Sequence[str]) -> str:
    text = ", ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _figures(facts: RunFacts, present: Present) -> Iterator[Figure]:
    run = facts.run
    if present.left_seconds is not None:
        yield Figure("Time left", format_duration(present.left_seconds), f"{format_duration(run.seconds)} so far")
    else:
        yield Figure("Time so far", format_duration(run.seconds), "what is left is not known")
    if present.memory:
        now = format_bytes(present.memory[-1].tree_bytes)
        yield Figure("Memory now", now, f"of {format_bytes(run.budget.bytes)} allowed")
    if present.curve:
        newest = present.curve[-1]
        unit, (training, heldout) = _unit(facts), _losses(facts, present)
        yield Figure(
            unit.capitalize(),
            f"{(heldout or training)[-1][1]:.2f}",
            "on unseen text" if heldout else "on training text",
        )
        yield Figure("Tokens a second", f"{newest['tokens_per_second']:,.0f}", f"at step {newest['step']:,}")


def _charts(facts: RunFacts, present: Present) -> Iterator[dict[str, Any]]:
    training, heldout = _losses(facts, present)
    if len(training) > 1:
        unit = _unit(facts)
        lines = [Line("training text", "model", training), Line("unseen text", "unseen", heldout)]
        yield {
            "name": "learning",
            "title": "How it learns",
            "text": f"{unit.capitalize()} over the time of training: lower is better. It moves with each checkpoint.",
            "legend": [(line.role, f"{line.label} {line.points[-1][1]:.2f}") for line in lines if line.points],
            "pictures": line_charts("Learning curve", unit, lines),
        }
    if len(present.memory) > 1:
        budget = facts.run.budget.bytes
        tree = [(row.seconds, row.tree_bytes / MIB) for row in present.memory]
        lines = [Line("the stage at work", "model", tree)]
        if budget / MIB < BUDGET_IN_SIGHT * max(value for _, value in tree):
            lines.append(Line("allowed", "limit", [(seconds, budget / MIB) for seconds, _ in tree]))
        yield {
            "name": "memory",
            "title": "Memory",
            "text": f"MiB over the time of the run. {format_bytes(budget)} are allowed.",
            "legend": [(line.role, f"{line.label} {line.points[-1][1]:,.0f} MiB") for line in lines],
            "pictures": line_charts("Memory", "MiB", lines, floor_value=0.0),
        }


def _losses(facts: RunFacts, present: Present) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Training and held-out loss over time, in bits per byte where the tokens' bytes are known."""
    tokens = facts.tokenize
    sizes = (tokens.train_bytes_per_token, tokens.heldout_bytes_per_token) if tokens else None
    train, heldout = (math.log(2) * size for size in sizes) if sizes else (1.0, 1.0)
    return (
        [(row["seconds"], row["loss"] / train) for row in present.curve],
        [(row["seconds"], row["heldout_loss"] / heldout) for row in present.curve if row["heldout_loss"] is not None],
    )


def _unit(facts: RunFacts) -> str:
    return "bits per byte" if facts.tokenize else "nats per token"


def _stages(facts: RunFacts) -> Iterator[dict[str, str]]:
    run = facts.run
    for name, stage in run.stages.items():
        took = "" if stage.status == "reused" else format_duration(stage.seconds)
        yield {"name": name, "status": stage.status, "reason": stage.reason, "time": took}
    for unfinished, status in not_finished(run):
        yield {"name": unfinished.stage, "status": status, "reason": unfinished.progress, "time": ""}


def _next_steps(facts: RunFacts) -> Iterator[NextStep]:
    run_id = facts.run.run_id
    if facts.run.status == "paused":
        yield NextStep("Let it go on.", f"slowburn resume {run_id}")
    else:
        yield NextStep("Have it save and stand still, for as long as you need the machine.", f"slowburn pause {run_id}")
    yield NextStep(
        "If the time above stands still, its process has ended. What was saved is kept: start it again.",
        facts.run.again,
    )
