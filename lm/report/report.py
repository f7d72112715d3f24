"""`report.html`: one run on one page, to be opened in any browser, with no network and no server."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lm.formatting import flattened, format_bytes, format_duration
from lm.report import quality_sections, report_text, run_sections
from lm.report.next_steps import next_steps
from lm.report.page import write_page
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


def render_report(store: Store, run: RunRecord) -> Path:
    """Write a run's `report.html`, whole or not at all, and return its path.

    What the run did not come to, or what was pruned since, is left out; the rest is told. The same record and
    artifacts give the same bytes. Loads pyarrow and matplotlib: call it in a child process.
    """
    path = run_folder(store, run.run_id) / REPORT_FILE
    write_page(path, TEMPLATE, _content(store, gather_facts(store, run)))
    return path


def _content(store: Store, facts: RunFacts) -> dict[str, object]:
    """Everything that the template shows, in words and pictures."""
    run, samples = facts.run, read_samples(facts)
    first = representative_sample(samples)
    content = {
        "run": run,
        "title": report_text.title(facts),
        "started": _date(run.started),
        "lede": list(report_text.lede(facts)),
        "figures": list(report_text.figures(facts)),
        "first": first and replace(first, text=opening(close_gaps(first.text), FIRST_SAMPLE_CHARACTERS)),
        "evaluation": facts.evaluation and quality_sections.bars(facts.evaluation),
        "seeds": quality_sections.seeds(facts),
        "errors": facts.evaluation and quality_sections.errors(facts.evaluation),
        "learning": run_sections.learning(store, facts),
        "memory": run_sections.memory(store, facts),
        "samples": [run_sections.shown_sample(sample) for sample in samples[:MAX_SAMPLES]],
        "samples_text": samples_text(facts),
        "samples_left_out": len(samples[MAX_SAMPLES:]),
        "read": facts.clean and run_sections.text_read(facts.clean),
        "asked": _asked(run),
        "reasons": facts.plan_reasons,
        "plan": list(_flat({name: value for name, value in (facts.plan or {}).items() if name != "reasons"})),
        "stages": run_sections.stages(facts),
        "next_steps": list(next_steps(facts)),
        "details": list(_details(facts)),
        "config": json.dumps(run.config, indent=2, ensure_ascii=False),
    }
    content["sections"] = [(name, label) for name, label in SECTIONS.items() if name in UNASKED or content[name]]
    return content


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
    yield "memory budget", f"{format_bytes(run.budget.bytes)} ({run.budget.origin})"
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
