"""The picture of drift: what models lose with age against a fresh one, and when that exceeds what may be lost."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lm.champions.drift import Answer, Point, how_often
from lm.champions.retraining import TOLERANCE
from lm.report.charts import FONT_SIZE, NARROW, PAPER, WIDE, canvas, caption, label_beside
from lm.report.inline_svg import STAND_INS, as_inline_svg, as_png

UNITS = (("weeks", 7.0), ("days", 1.0), ("hours", 1 / 24), ("minutes", 1 / 1440))


def drift_svg(points: list[Point]) -> dict[str, str]:
    """The curve for a wide page and for a narrow one."""
    answer = how_often(points)
    return {
        width: as_inline_svg(_draw(points, answer, size, STAND_INS), f"drift-{width}", "Drift", answer.sentence)
        for width, size in (("wide", WIDE), ("narrow", NARROW))
    }


def drift_png(points: list[Point]) -> bytes:
    """The curve as a picture."""
    return as_png(_draw(points, how_often(points), WIDE, PAPER))


def _draw(points: list[Point], answer: Answer, size: tuple[int, int], colours: Mapping[str, str]) -> Figure:
    figure, axes = canvas(size, colours, right=92)
    longest = 1.06 * max(answer.longest_days, min(answer.days or 0.0, 2 * answer.longest_days))
    unit, days = next((unit, days) for unit, days in UNITS if longest >= 3 * days or unit == "minutes")
    losses = [point.loss for point in points]
    low, high = min(0.0, *losses), max(TOLERANCE, *losses)
    axes.set_xlim(0, longest / days)
    axes.set_ylim(low - 0.08 * (high - low), high + 0.15 * (high - low))
    axes.set_xlabel(f"{unit} since the model was trained", fontsize=FONT_SIZE - 1, color=colours["muted"], labelpad=5)
    caption(axes, "bits per byte lost against a fresh model", colours)
    axes.axhline(0, color=colours["muted"], linewidth=0.8)
    axes.axhline(TOLERANCE, color=colours["limit"], linewidth=1.2, linestyle=(0, (4, 3)))
    axes.scatter([point.age_days / days for point in points], losses, s=26, color=colours["model"], zorder=3)
    beside = [("fresh", 0.0, colours["muted"]), ("may be lost", TOLERANCE, colours["limit"])]
    if answer.loss_a_day is not None and answer.ci95 is not None:
        _draw_line(axes, answer.loss_a_day, answer.ci95, longest, days, colours)
        end = answer.loss_a_day * longest
        beside.append(("loss", float(np.clip(end, *axes.get_ylim())), colours["model"]))
    label_beside(axes, *zip(*beside, strict=True))
    return figure


def _draw_line(
    axes: Axes, slope: float, ends: tuple[float, float], longest: float, days: float, colours: Mapping[str, str]
) -> None:
    """The fitted line through the origin and the band of its interval."""
    ages = np.array([0.0, longest])
    axes.fill_between(ages / days, ages * ends[0], ages * ends[1], color=colours["band"], linewidth=0)
    axes.plot(ages / days, ages * slope, color=colours["model"], linewidth=1.8)
