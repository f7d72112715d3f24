"""What `slowburn plan` prints for people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lm.clean.metrics import FileReading
from lm.formatting import counted, format_bytes, format_count, format_duration, format_text_size
from lm.memory.budget import format_budget
from lm.memory.usage import how_memory_is_held
from lm.planning.forecast import Alternative, Forecast
from lm.planning.forecast_corpus import CorpusForecast
from lm.planning.forecast_training import TrainingForecast
from lm.text.plain_text import opening, visible

USED_UP = "*"
MAX_READINGS, MAX_SKIPPED = 6, 3  # that are named
OPENING_CHARACTERS = 80


def print_forecast(found: Forecast, console: Console) -> None:
    """Print the forecast: the text and the model, every stage, what else would change."""
    budget = found.budget
    rows = [
        ("text", f"{format_text_size(found.corpus.bytes)} (from {found.corpus.known_from})"),
        *_reading(found.corpus),
        ("budget", f"{format_bytes(budget.bytes)}: {budget.origin}"),
        ("", how_memory_is_held()),
        ("model", _model(found.training)),
        ("training", _training(found)),
        ("expected", _bits(found)),
        ("plan", f"kept: {found.kept_plan}" if found.kept_plan else "not made yet: speeds are estimates"),
        ("disk", f"{format_bytes(found.disk_bytes)} to be written, {format_bytes(found.disk_free_bytes)} free"),
    ]
    facts = Table.grid(padding=(0, 2))
    for label, text in rows:
        facts.add_row(Text(label, "bold"), Text(text))
    reasons = (Text(reason) for reason in found.reasons)
    console.print(Group(facts, "", _stages(found), "", *_alternatives(found), "", *reasons))


def _reading(corpus: CorpusForecast) -> Iterator[tuple[str, str]]:
    """How the files are read, and how a few documents begin."""
    if not (reading := corpus.reading):
        return
    label = "read as"
    for sentence in _alike(reading.readings):
        yield label, sentence
        label = ""
    if left := reading.looked_at and reading.skipped:
        yield "not read", "; ".join(map(visible, left[:MAX_SKIPPED])) + ("; …" if len(left) > MAX_SKIPPED else "")
    label = "begins"
    for found in reading.openings:
        yield label, f"{visible(found.source)}: {opening(visible(' '.join(found.opening.split())), OPENING_CHARACTERS)}"
        label = ""
    if reading.looked_at < reading.files or not reading.whole:
        of_them = f"{reading.looked_at:,} of {counted(reading.files, 'file')}"
        yield "", f"(by a look at {of_them}, at the beginning of large ones; `run --until clean` reads them all)"


def _alike(readings: Iterable[FileReading]) -> list[str]:
    """How files are read, a line for those that are read alike; most files first."""
    groups = defaultdict[tuple[str, ...], list[FileReading]](list)
    for reading in readings:
        groups[reading.kind, reading.how, reading.left_out].append(reading)
    told = [
        visible(group[0].sentence) + (f" (and {counted(len(group) - 1, 'file')} like it)" if len(group) > 1 else "")
        for group in sorted(groups.values(), key=len, reverse=True)
    ]
    more = [f"and in {len(told) - MAX_READINGS:,} more ways"] if len(told) > MAX_READINGS else []
    return told[:MAX_READINGS] + more


def refusal(found: Forecast) -> str:
    """One line for a request that does not fit: what is too large, and the least budget that would do."""
    stage = next(stage for stage in found.stages if not stage.fits)
    return (
        f"{stage.stage}: needs about {format_bytes(stage.predicted_memory_bytes)}, the budget is "
        f"{format_bytes(found.budget.bytes)} ({found.budget.origin}); the least that would do is "
        f"--memory {format_budget(found.least_memory_bytes)}"
    )


def _model(training: TrainingForecast) -> str:
    recipe = training.recipe
    return (
        f"{format_count(training.parameters)} parameters: {counted(recipe.layers, 'layer')} of width {recipe.width}, "
        f"{training.vocab_size:,} tokens in the vocabulary, context {recipe.context}, {recipe.precision}"
    )


def _training(found: Forecast) -> str:
    training, recipe = found.training, found.training.recipe
    each = f"each of {found.seeds} seeds " if found.seeds > 1 else ""
    return (
        f"{each}{recipe.steps:,} steps of {recipe.batch_sequences} sequences, {training.micro_batch} at a time: "
        f"{format_count(training.tokens)} tokens, {training.passes:.1f} passes over the text, "
        f"on {found.device} with {counted(found.threads, 'thread')}"
    )


def _bits(found: Forecast) -> str:
    expected = found.training.bits_per_byte
    bits = (
        f"{expected.likely:.2f} bits per byte on text it never saw, in nine of ten cases between "
        f"{expected.low:.2f} and {expected.high:.2f}"
    )
    return f"better than random weights would reach: {bits}" if found.starts_from else bits


def _stages(found: Forecast) -> Table:
    table = Table("stage", "peak memory", "fits", "time", "disk", box=None, pad_edge=False)
    for column in (1, 3, 4):
        table.columns[column].justify = "right"
    for stage in found.stages:
        table.add_row(
            stage.stage,
            format_bytes(stage.predicted_memory_bytes),
            "done" if stage.done else "yes" if stage.fits else Text("NO", "bold red"),
            "" if stage.done else format_duration(stage.seconds),
            "" if stage.done or not stage.disk_bytes else format_bytes(stage.disk_bytes),
        )
    table.add_row("start, report", "", "", format_duration(found.start_and_report_seconds), "")
    table.add_row("all", "", "yes" if found.fits else Text("NO", "bold red"), format_duration(found.seconds), "")
    return table


def _alternatives(found: Forecast) -> Iterator[RenderableType]:
    """The training as asked for, beside what it would be with something changed."""
    table = Table("with", "model", "training", "passes", "peak memory", "bits per byte", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
        column.justify = "right"
    table.columns[0].justify = "left"
    rows = [Alternative(change="as asked", training=found.training), *found.alternatives]
    for other in rows:
        table.add_row(other.change, *(_training_cells(other.training) if other.training else ["nothing fits"]))
    yield table
    if any(other.training and other.training.text_ends_it for other in rows):
        yield Text(f"{USED_UP} the text is used up: more passes would only learn it by heart", "dim")
    yield from (Text(f"{other.change}: {other.note}", "dim") for other in rows if other.note)


def _training_cells(training: TrainingForecast) -> list[str]:
    expected = training.bits_per_byte
    return [
        format_count(training.parameters),
        format_duration(training.seconds),
        f"{training.passes:.1f}{USED_UP if training.text_ends_it else ' '}",
        format_bytes(training.predicted_memory_bytes),
        f"{expected.low:.2f} to {expected.high:.2f}",
    ]
