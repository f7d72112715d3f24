"""The last lines of a run: what a person is glad to see in the terminal."""

import textwrap
from collections.abc import Iterator

from lm.clean.metrics import CleanMetrics
from lm.formatting import format_bytes, format_count, format_duration, format_text_size
from lm.report.run_facts import Evaluation, RunFacts, gather_facts, read_samples, representative_sample
from lm.runs.run_record import REPORT_FILE, RunRecord, run_folder
from lm.runs.seeds import BITS
from lm.store.artifacts import Store
from lm.text.plain_text import opening, visible

COLUMNS = 80
INDENT = "  "
LABEL_COLUMNS = 11
SAMPLE_CHARACTERS = 240
SAMPLE_LINES = 5


def closing_lines(store: Store, run: RunRecord) -> list[str]:
    """What the run did, in a few lines of at most 80 columns (a long path apart).

    Reads the samples with pyarrow: call it in the child that writes the report.
    """
    report = f"{INDENT}{'report':{LABEL_COLUMNS}}{(run_folder(store, run.run_id) / REPORT_FILE).absolute().as_uri()}"
    return [visible(line) for line in [*_lines(gather_facts(store, run)), report]]


def _lines(facts: RunFacts) -> list[str]:
    run = facts.run
    if run.status != "completed":
        return [*_wrap(f"The run {_ending(run)}: {run.reason}".rstrip(": ")), *_kept(facts)]
    if run.reused:
        return [f"Nothing to do: all {len(run.stages)} stages were done before, with the same settings and text."]
    return [*_headline(facts), "", *(line for row in _rows(facts) for line in _label(*row)), *_sample(facts), ""]


def _headline(facts: RunFacts) -> list[str]:
    if facts.train is None:
        return _wrap(f"Done up to {list(facts.run.stages)[-1]}: {facts.corpus}.")
    return _wrap(f"Trained a model of {format_count(facts.train.parameters)} parameters on {facts.corpus}.")


def _rows(facts: RunFacts) -> Iterator[tuple[str, str]]:
    """Label and text of each fact that is known."""
    run, sizes = facts.run, facts.text_bytes
    if sizes:
        yield (
            "text",
            f"{format_text_size(sizes['train'])}, and {format_text_size(sizes['heldout'])} held out to test it",
        )
    if facts.clean and (readings := facts.clean.readings):
        yield "read", readings[0].sentence + (f"; and {len(readings) - 1:,} more: see the report" * (len(readings) > 1))
    whole = f"{format_duration(run.seconds)} for {'this' if facts.trained_before else 'the whole'} run"
    if facts.training_seconds is not None:
        training = f"{format_duration(facts.training_seconds)} of training"
        whole = ", ".join(filter(None, (training, facts.trained_before, whole)))
    yield "time", whole
    if facts.reused_stages:
        yield "reused", ", ".join(facts.reused_stages)
    if run.peak_memory_bytes is not None:
        yield (
            "memory",
            f"{format_bytes(run.peak_memory_bytes)} at most, of a budget of {format_bytes(run.budget.bytes)}",
        )
    if facts.evaluation:
        yield "quality", _quality(facts.evaluation)
    if bits := next((row for row in facts.spread if row.name == BITS), None):
        together = "" if bits.ensemble is None else f"; together, as an ensemble, {bits.ensemble:.3f}"
        yield "seeds", f"{bits.mean:.3f} ± {bits.deviation:.3f} bits per byte over {len(bits.values)} seeds{together}"


def _quality(evaluation: Evaluation) -> str:
    text = f"{evaluation.bits_per_byte:.2f} bits per byte on text it never saw (lower is better)"
    if not evaluation.best_baseline:
        return text
    listed = ", ".join(f"{name} {value:.2f}" for name, value in evaluation.baselines.items())
    name, best = evaluation.best_baseline
    loses = f"; the model does not beat {name} yet: give it more minutes or more text"
    return f"{text}; {listed}{'' if evaluation.bits_per_byte < best else loses}"


def _sample(facts: RunFacts) -> list[str]:
    sample = representative_sample(read_samples(facts))
    if sample is None:
        return [] if facts.tokenize or not facts.clean else _first_document(facts.clean)
    return _quoted("sample", sample.prompt + sample.text)


def _first_document(clean: CleanMetrics) -> list[str]:
    """How a document begins: a look tells whether it was read as it was meant."""
    return _quoted("begins", clean.openings[0].opening) if clean.openings else []


def _quoted(label: str, whole: str) -> list[str]:
    text = opening(whole, SAMPLE_CHARACTERS)
    lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
    wrapped = [part for line in lines for part in textwrap.wrap(line, COLUMNS - len(INDENT) - LABEL_COLUMNS)]
    if len(wrapped) > SAMPLE_LINES:
        wrapped = [*wrapped[: SAMPLE_LINES - 1], opening(" ".join(wrapped[SAMPLE_LINES - 1 :]), 40)]
    return ["", *_column(label, wrapped)]


def _kept(facts: RunFacts) -> list[str]:
    names = list(facts.run.stages)
    return _label("kept", ", ".join(names)) if names else []


def _ending(run: RunRecord) -> str:
    return "is not over" if run.status in ("running", "paused") else run.status


def _label(label: str, text: str) -> list[str]:
    return _column(label, textwrap.wrap(text, COLUMNS - len(INDENT) - LABEL_COLUMNS))


def _column(label: str, lines: list[str]) -> list[str]:
    """Lines beside a label, under each other."""
    labels = [label, *[""] * (len(lines) - 1)]
    return [f"{INDENT}{name:{LABEL_COLUMNS}}{line}" for name, line in zip(labels, lines, strict=True)]


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS)
