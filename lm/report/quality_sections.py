"""The sections of a report about quality: the model beside the baselines, the spread between seeds, its errors."""

from collections.abc import Iterator
from typing import NamedTuple

from markupsafe import Markup

from lm.formatting import format_count
from lm.report import error_text, report_text
from lm.report.calibration_charts import bits, context_svg, frequency_svg, reliability_svg
from lm.report.run_facts import Evaluation, RunFacts

HARDEST = 8  # tokens
LARGE = 10.0  # a number of which one decimal is enough


class Bar(NamedTuple):
    """Bits per byte of one method. Its reach is a share of the longest bar, its share one of its reach."""

    name: str
    value: str
    reach: str
    note: str = ""
    share: str = "1"  # less where an interval reaches further than the bar
    model: bool = False
    interval: tuple[str, str] | None = None  # where it begins and ends, as shares of the reach


class Bars(NamedTuple):
    """The model among the baselines, best first."""

    text: str
    rows: list[Bar]
    note: str


class SeedRow(NamedTuple):
    """One number of all seeds."""

    name: str
    mean: str
    deviation: str
    range: str
    ensemble: str


class Seeds(NamedTuple):
    """How far the seeds differ."""

    text: str
    rows: list[SeedRow]


class ErrorChart(NamedTuple):
    """One picture of where the model errs."""

    title: str
    text: str
    picture: Markup


class Errors(NamedTuple):
    """Where the model makes mistakes."""

    pictures: list[ErrorChart]
    hardest: list[tuple[str, str, str]]  # a token's text, bits and occurrences


def bars(evaluation: Evaluation) -> Bars:
    """Bits per byte of the model and of the baselines."""
    own, (low, high) = evaluation.bits_per_byte, evaluation.ci95 or (0.0, 0.0)
    reach = max(own, high)
    longest = max([reach, *evaluation.baselines.values()])
    rows = [
        Bar(name, f"{value:.2f}", f"{value / longest:.4f}", report_text.about_baseline(name))
        for name, value in evaluation.baselines.items()
    ]
    model = Bar(
        "this model",
        f"{own:.2f}",
        f"{reach / longest:.4f}",
        share=f"{own / reach:.4f}",
        model=True,
        interval=(f"{low / reach:.4f}", f"{high / reach:.4f}") if evaluation.ci95 else None,
    )
    rows.insert(sum(value < own for value in evaluation.baselines.values()), model)
    return Bars(report_text.evaluation_text(), rows, report_text.evaluation_note(evaluation))


def seeds(facts: RunFacts) -> Seeds | None:
    """The spread between seeds; None for a run of one."""
    if not facts.spread:
        return None
    rows = [
        SeedRow(
            row.name,
            mean=_number(row.mean),
            deviation=_number(row.deviation),
            range=f"{_number(min(row.values))} \N{EN DASH} {_number(max(row.values))}",
            ensemble="" if row.ensemble is None else _number(row.ensemble),
        )
        for row in facts.spread
    ]
    return Seeds(error_text.seeds_text(facts), rows)


def errors(evaluation: Evaluation) -> Errors | None:
    """Where the model makes mistakes; None for an evaluation from before that was measured."""
    hardest = [
        (error_text.token_text(row["text"]), f"{bits(row['nats_per_token']):.1f}", format_count(row["occurrences"]))
        for row in evaluation.hardest_tokens[:HARDEST]
    ]
    pictures = list(_pictures(evaluation))
    return Errors(pictures, hardest) if pictures else None


def _pictures(evaluation: Evaluation) -> Iterator[ErrorChart]:
    if (calibration := evaluation.calibration) and calibration["bins"]:
        title, text = "Are its probabilities reliable?", error_text.confidence_text(calibration)
        yield ErrorChart(title, text, Markup(reliability_svg(calibration["bins"])))
    if rows := evaluation.by_tokens_read:
        yield ErrorChart("How much context helps", error_text.context_text(rows), Markup(context_svg(rows)))
    if evaluation.by_frequency:
        picture = Markup(frequency_svg(evaluation.by_frequency))
        yield ErrorChart("Common tokens and rare ones", error_text.frequency_text(), picture)


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= LARGE else f"{value:.3f}"
