"""`report.html`: one run on one page, to be opened in any browser, with no network and no server."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lm.clean.metrics import CleanMetrics
from lm.formatting import format_bytes, format_count, format_duration
from lm.report import report_text
from lm.report.calibration_charts import bits, context_svg, frequency_svg, reliability_svg
from lm.report.learning_curve import learning_curve_svg
from lm.report.memory_chart import memory_svg
from lm.report.next_steps import next_steps
from lm.report.page import write_page
from lm.report.run_facts import Evaluation, RunFacts, Sample, gather_facts, read_samples, representative_sample
from lm.report.run_pictures import learning_curve_of
from lm.run_config import RunConfig
from lm.runs.run_record import REPORT_FILE, RunRecord, read_memory, run_folder
from lm.stages import stage_named
from lm.store.artifacts import Store
from lm.text.plain_text import close_gaps, opening

TEMPLATE = "report.html.jinja"
FIRST_SAMPLE_CHARACTERS = 360
MAX_SAMPLES = 24
MAX_FILES_READ = 40
MAX_OPENING_LINES = 6
HARDEST = 8  # tokens
LARGE = 10.0  # a number of which one decimal is enough
MAX_VALUE = 160
ALWAYS_SHOWN = ("minutes", "memory")
SECTIONS = {
    "evaluation": "Prediction",
    "seeds": "Seeds",
    "errors": "Errors",
    "learning": "Learning",
    "memory": "Memory",
    "samples": "Samples",
    "read": "Text",
    "plan": "Plan",
    "stages": "Stages",
    "next": "What next",
    "details": "Details",
}
UNASKED = ("plan", "stages", "next", "details")  # sections that every report has


def render_report(store: Store, run: RunRecord) -> Path:
    """Write a run's `report.html`, whole or not at all, and return its path.

    What the run did not come to, or what was pruned since, is left out; the rest is told. The same record and
    artifacts give the same bytes. Loads pyarrow and matplotlib: call it in a child process.
    """
    path = run_folder(store, run.run_id) / REPORT_FILE
    write_page(path, TEMPLATE, _content(store, gather_facts(store, run)))
    return path


def _content(store: Store, facts: RunFacts) -> dict[str, Any]:
    """Everything that the template shows, in words and pictures."""
    run, samples = facts.run, read_samples(facts)
    first = representative_sample(samples)
    content = {
        "run": run,
        "title": report_text.title(facts),
        "started": _date(run.started),
        "lede": list(report_text.lede(facts)),
        "figures": list(report_text.figures(facts)),
        "first": first and {"prompt": first.prompt, "text": opening(close_gaps(first.text), FIRST_SAMPLE_CHARACTERS)},
        "evaluation": facts.evaluation and _evaluation(facts.evaluation),
        "seeds": _seeds(facts),
        "errors": facts.evaluation and _errors(facts.evaluation),
        "learning": _learning(store, facts),
        "memory": _memory(store, facts),
        "samples": [_sample(sample) for sample in samples[:MAX_SAMPLES]],
        "samples_text": report_text.samples_text(facts),
        "samples_left_out": len(samples[MAX_SAMPLES:]),
        "read": facts.clean and _read(facts.clean),
        "asked": _asked(run),
        "reasons": (facts.plan or {}).get("reasons", []),
        "plan": list(_flat({name: value for name, value in (facts.plan or {}).items() if name != "reasons"})),
        "stages": [*(_stage(facts, name) for name in run.stages), *_unfinished(run)],
        "next_steps": list(next_steps(facts)),
        "details": list(_details(facts)),
        "config": json.dumps(run.config, indent=2, ensure_ascii=False),
    }
    content["sections"] = [(name, label) for name, label in SECTIONS.items() if name in UNASKED or content[name]]
    return content


def _read(clean: CleanMetrics) -> dict[str, Any] | None:
    """How files were read that are more than plain text, and how some documents begin."""
    if not clean.readings and not clean.openings:
        return None
    return {
        "files": [reading.sentence for reading in clean.readings[:MAX_FILES_READ]],
        "files_left_out": len(clean.readings[MAX_FILES_READ:]),
        "openings": [
            found.model_dump() | {"opening": "\n".join(found.opening.split("\n")[:MAX_OPENING_LINES])}
            for found in clean.openings
        ],
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """The bars. Shares are of the longest bar, or of `reach` where an interval reaches further than its bar."""
    own, (low, high) = evaluation.bits_per_byte, evaluation.ci95 or (0.0, 0.0)
    reach = max(own, high)
    longest = max([reach, *evaluation.baselines.values()])
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "note": report_text.about_baseline(name),
            "value": f"{value:.2f}",
            "reach": f"{value / longest:.4f}",
            "share": "1",
            "model": False,
            "interval": None,
        }
        for name, value in evaluation.baselines.items()
    ]
    model: dict[str, Any] = {
        "name": "this model",
        "note": "",
        "value": f"{own:.2f}",
        "reach": f"{reach / longest:.4f}",
        "share": f"{own / reach:.4f}",
        "model": True,
        "interval": evaluation.ci95 and {"low": f"{low / reach:.4f}", "high": f"{high / reach:.4f}"},
    }
    place = sum(value < own for value in evaluation.baselines.values())
    rows.insert(place, model)
    return {
        "text": report_text.evaluation_text(),
        "rows": rows,
        "note": report_text.evaluation_note(evaluation),
    }


def _seeds(facts: RunFacts) -> dict[str, Any] | None:
    if not facts.spread:
        return None
    rows = [
        {
            "name": row.name,
            "mean": _number(row.mean),
            "deviation": _number(row.deviation),
            "range": f"{_number(min(row.values))} \N{EN DASH} {_number(max(row.values))}",
            "ensemble": "" if row.ensemble is None else _number(row.ensemble),
        }
        for row in facts.spread
    ]
    return {"text": report_text.seeds_text(facts), "rows": rows}


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= LARGE else f"{value:.3f}"


def _errors(evaluation: Evaluation) -> dict[str, Any] | None:
    """Where the model makes mistakes; None for an evaluation from before that was measured."""
    pictures = [
        {"title": title, "text": text, "picture": Markup(draw(rows))}
        for title, text, draw, rows in (
            (
                "Does it know how sure it can be?",
                report_text.confidence_text(evaluation),
                reliability_svg,
                evaluation.calibration.get("bins", ()),
            ),
            (
                "How much context helps",
                report_text.context_text(evaluation),
                context_svg,
                evaluation.by_tokens_read,
            ),
            (
                "Common tokens and rare ones",
                report_text.frequency_text(evaluation),
                frequency_svg,
                evaluation.by_frequency,
            ),
        )
        if rows
    ]
    hardest = [
        {
            "text": report_text.token_text(row["text"]),
            "bits": f"{bits(row['nats_per_token']):.1f}",
            "occurrences": format_count(row["occurrences"]),
        }
        for row in evaluation.hardest_tokens[:HARDEST]
    ]
    return {"pictures": pictures, "hardest": hardest} if pictures else None


def _learning(store: Store, facts: RunFacts) -> dict[str, Any] | None:
    curve = learning_curve_of(store, facts)
    if curve is None:
        return None
    return {"text": report_text.learning_text(facts)} | _pictures(learning_curve_svg(curve))


def _memory(store: Store, facts: RunFacts) -> dict[str, Any] | None:
    text, rows = report_text.memory_text(facts), read_memory(store, facts.run)
    if not text:
        return None
    return {"text": text} | (_pictures(memory_svg(rows)) if rows else {"wide": "", "narrow": ""})


def _pictures(svg: Mapping[str, str]) -> dict[str, str]:
    """Trusted as they are: drawn here, with every text in them escaped."""
    return {width: Markup(picture) for width, picture in svg.items()}


def _sample(sample: Sample) -> dict[str, Any]:
    text, place = close_gaps(sample.text), report_text.nearest_place(sample)
    before, shared, after = text.partition(sample.nearest_text or "\0") if place else (text, "", "")
    return {
        "prompt": sample.prompt,
        "before": before,
        "shared": shared,  # empty too where the gaps that were closed lie inside it
        "after": after,
        "note": report_text.sample_note(sample),
        "nearest": place
        and {
            "place": place,
            "before": sample.nearest_before or "",
            "text": sample.nearest_text,
            "after": sample.nearest_after or "",
        },
    }


def _stage(facts: RunFacts, name: str) -> dict[str, Any]:
    stage = facts.run.stages[name]
    metrics = facts.metrics(name, stage_named(name).metrics)
    return {
        "name": name,
        "status": stage.status,
        "reason": stage.reason + report_text.resumed(stage),
        "notes": [note for note in (metrics.summary, *metrics.notes) if note] if metrics else [],
        "path": stage.path,
        "time": "none" if stage.status == "reused" else format_duration(stage.seconds),
        "peak": _size(stage.peak_memory_bytes),
        "predicted": _size(stage.predicted_memory_bytes),
    }


def _unfinished(run: RunRecord) -> Iterator[dict[str, Any]]:
    for stage, status in report_text.not_finished(run):
        yield {
            "name": stage.stage,
            "status": status,
            "reason": stage.progress,
            "notes": [],
            "path": "",
            "time": format_duration(stage.seconds) if stage.seconds else "none",
            "peak": _size(stage.peak_memory_bytes),
            "predicted": _size(stage.predicted_memory_bytes),
        }


def _asked(run: RunRecord) -> list[tuple[str, str]]:
    """Corpus, time and memory, and whatever else was not left to Slowburn."""
    usual = dict(_flat(RunConfig().model_dump(mode="json")))
    own = [(name, value) for name, value in _flat(run.config) if name in ALWAYS_SHOWN or usual.get(name) != value]
    return [("corpus", ", ".join(run.corpus)), *((name, value) for name, value in own if name != "download.corpus")]


def _details(facts: RunFacts) -> Iterator[tuple[str, str]]:
    run = facts.run
    yield "run", run.run_id
    yield "started", _date(run.started)
    yield "took", format_duration(run.seconds)
    yield "memory budget", f"{format_bytes(run.budget.bytes)} ({run.budget.source})"
    if run.command:
        yield "command", run.command
    if facts.clean and (licences := dict.fromkeys(name for counts in facts.clean.licences.values() for name in counts)):
        yield "licence of the text", ", ".join(licences)
    train = facts.artifacts.get("train")
    newest = train or next(reversed(facts.artifacts.values()), None)
    if facts.train:
        yield "weights (SHA-256)", facts.train.weights_sha256
    if newest:
        yield "made with", _in_line(newest.manifest.versions)
    if train and train.manifest.numerics:
        yield "numerics", _in_line(train.manifest.numerics)


def _in_line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in _flat(values))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every single value of nested mappings with its dotted name."""
    for name, inner in value.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if isinstance(inner, Mapping):
            yield from _flat(inner, dotted)
        elif inner is not None:
            text = inner if isinstance(inner, str) else f"{inner:g}" if isinstance(inner, float) else json.dumps(inner)
            yield dotted, opening(text, MAX_VALUE)


def _size(count: int | None) -> str:
    return "none" if count is None else format_bytes(count)


def _date(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
