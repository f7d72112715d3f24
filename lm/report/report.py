"""`report.html`: one run on one page, to be opened in any browser, with no network and no server."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lm.formatting import flattened, format_bytes, format_duration
from lm.report import quality_sections, report_text, run_sections
from lm.report.page import Chart, write_page
from lm.report.run_facts import RunFacts, gather_facts, read_samples, representative_sample
from lm.report.sample_text import samples_text
from lm.run_config import RunConfig
from lm.runs.run_record import REPORT_FILE, RunRecord, run_folder
from lm.store.artifacts import Store
from lm.text.plain_text import close_gaps, opening

TEMPLATE = "report.html.jinja"
FIRST_SAMPLE_CHARACTERS = 360
MAX_SAMPLES = 24
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


class FirstSample(NamedTuple):
    """The sample at the top: given words, and the beginning of what the model wrote."""

    prompt: str
    text: str


class ReportContent(NamedTuple):
    """Everything that the template shows, in words and pictures."""

    run: RunRecord
    title: str
    started: str
    lede: list[str]
    figures: list[report_text.Figure]
    first: FirstSample | None
    evaluation: quality_sections.Bars | None
    seeds: quality_sections.Seeds | None
    errors: quality_sections.Errors | None
    learning: Chart | None
    memory: Chart | None
    samples: list[run_sections.ShownSample]
    samples_text: str
    samples_left_out: int
    read: run_sections.TextRead | None
    asked: list[tuple[str, str]]
    reasons: list[str]  # why the plan's numbers are what they are
    plan: list[tuple[str, str]]
    stages: list[run_sections.StageRow]
    next_steps: list[report_text.NextStep]
    details: list[tuple[str, str]]
    config: str


def render_report(store: Store, run: RunRecord) -> Path:
    """Write a run's `report.html`, whole or not at all, and return its path.

    What the run did not come to, or what was pruned since, is left out; the rest is told. The same record and
    artifacts give the same bytes. Loads pyarrow and matplotlib: call it in a child process.
    """
    path = run_folder(store, run.run_id) / REPORT_FILE
    content = _content(store, gather_facts(store, run))
    sections = [(name, label) for name, label in SECTIONS.items() if name in UNASKED or getattr(content, name)]
    write_page(path, TEMPLATE, {**content._asdict(), "sections": sections})
    return path


def _content(store: Store, facts: RunFacts) -> ReportContent:
    run, samples = facts.run, read_samples(facts)
    first = representative_sample(samples)
    plan = {name: value for name, value in (facts.plan or {}).items() if name != "reasons"}
    return ReportContent(
        run=run,
        title=report_text.title(facts),
        started=_date(run.started),
        lede=list(report_text.lede(facts)),
        figures=list(report_text.figures(facts)),
        first=FirstSample(first.prompt, opening(close_gaps(first.text), FIRST_SAMPLE_CHARACTERS)) if first else None,
        evaluation=quality_sections.bars(facts.evaluation) if facts.evaluation else None,
        seeds=quality_sections.seeds(facts),
        errors=quality_sections.errors(facts.evaluation) if facts.evaluation else None,
        learning=run_sections.learning(store, facts),
        memory=run_sections.memory(store, facts),
        samples=[run_sections.shown_sample(sample) for sample in samples[:MAX_SAMPLES]],
        samples_text=samples_text(facts),
        samples_left_out=len(samples[MAX_SAMPLES:]),
        read=run_sections.text_read(facts.clean) if facts.clean else None,
        asked=_asked(run),
        reasons=facts.plan_reasons,
        plan=list(_flat(plan)),
        stages=run_sections.stages(facts),
        next_steps=list(report_text.next_steps(facts)),
        details=list(_details(facts)),
        config=json.dumps(run.config, indent=2, ensure_ascii=False),
    )


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


def _in_line(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in _flat(values))


def _flat(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every value that is set, in words, with its dotted name."""
    for name, value in flattened(values):
        if value is not None:
            text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)
            yield name, opening(text, MAX_VALUE)


def _date(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
