"""The sections of a report about the run: what was read, learned, used and written, and its stages."""

from collections.abc import Iterator
from typing import NamedTuple

from lm.clean.metrics import CleanMetrics, Opening
from lm.formatting import format_bytes, format_duration
from lm.report import report_text
from lm.report.learning_curve import learning_curve_svg
from lm.report.memory_chart import memory_svg
from lm.report.page import Chart
from lm.report.run_facts import RunFacts, Sample
from lm.report.run_pictures import learning_curve_of
from lm.report.sample_text import nearest_place, sample_note
from lm.runs.run_record import RunRecord, read_memory
from lm.stages import stage_named
from lm.store.artifacts import Store
from lm.text.plain_text import close_gaps

MAX_FILES_READ = 40
MAX_OPENING_LINES = 6


class TextRead(NamedTuple):
    """How files were read that are more than plain text, and how some documents begin."""

    files: list[str]
    files_left_out: int
    openings: list[Opening]


class Nearest(NamedTuple):
    """The passage of the training text that a sample comes nearest to."""

    place: str
    before: str
    text: str | None
    after: str


class ShownSample(NamedTuple):
    """A sample, parted at what stands in the training text too."""

    prompt: str
    before: str
    shared: str  # empty too where the gaps that were closed lie inside it
    after: str
    note: str
    nearest: Nearest | None


class StageRow(NamedTuple):
    """What became of a stage."""

    name: str
    status: str
    reason: str
    time: str
    peak: str
    predicted: str
    notes: list[str]
    path: str = ""


def text_read(clean: CleanMetrics) -> TextRead | None:
    """What there is to tell of how the text was read; None where it is plain text that says no more."""
    if not clean.readings and not clean.openings:
        return None
    return TextRead(
        [reading.sentence for reading in clean.readings[:MAX_FILES_READ]],
        len(clean.readings[MAX_FILES_READ:]),
        [
            found.model_copy(update={"opening": "\n".join(found.opening.split("\n")[:MAX_OPENING_LINES])})
            for found in clean.openings
        ],
    )


def learning(store: Store, facts: RunFacts) -> Chart | None:
    """The learning curve; None where there is none yet."""
    curve = learning_curve_of(store, facts)
    return Chart.of(learning_curve_svg(curve), report_text.learning_text(facts)) if curve else None


def memory(store: Store, facts: RunFacts) -> Chart | None:
    """The memory over time; without a picture where only the peaks were kept."""
    text, rows = report_text.memory_text(facts), read_memory(store, facts.run)
    if not text:
        return None
    return Chart.of(memory_svg(rows), text) if rows else Chart(text=text)


def shown_sample(sample: Sample) -> ShownSample:
    """A sample as the report shows it."""
    text, place = close_gaps(sample.text), nearest_place(sample)
    before, shared, after = text.partition(sample.nearest_text or "\0") if place else (text, "", "")
    nearest = Nearest(place, sample.nearest_before or "", sample.nearest_text, sample.nearest_after or "")
    return ShownSample(sample.prompt, before, shared, after, sample_note(sample), nearest if place else None)


def stages(facts: RunFacts) -> list[StageRow]:
    """Every stage of the run, those that it has not finished last."""
    return [*(_stage(facts, name) for name in facts.run.stages), *_unfinished(facts.run)]


def _stage(facts: RunFacts, name: str) -> StageRow:
    stage = facts.run.stages[name]
    metrics = facts.metrics(name, stage_named(name).metrics)
    return StageRow(
        name,
        stage.status,
        stage.reason + report_text.resumed(stage),
        time="none" if stage.status == "reused" else format_duration(stage.seconds),
        peak=_size(stage.peak_memory_bytes),
        predicted=_size(stage.predicted_memory_bytes),
        notes=[note for note in (metrics.summary, *metrics.notes) if note] if metrics else [],
        path=stage.path,
    )


def _unfinished(run: RunRecord) -> Iterator[StageRow]:
    for stage, status in report_text.not_finished(run):
        yield StageRow(
            stage.stage,
            status,
            stage.progress,
            time=format_duration(stage.seconds) if stage.seconds else "none",
            peak=_size(stage.peak_memory_bytes),
            predicted=_size(stage.predicted_memory_bytes),
            notes=[],
        )


def _size(count: int | None) -> str:
    return "none" if count is None else format_bytes(count)
