"""A small line chart as SVG, for the page of a run that goes on: without matplotlib, which weighs too much there."""

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from lm.formatting import format_duration

SIZES = {"wide": (720, 260), "narrow": (360, 240)}  # width, height in CSS pixels
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 12, 30
TICKS = 5
TIME_PIXELS = 90  # for each label of the time axis
MAX_POINTS = 400
ROUND_TIMES = (1, 2, 5, 10, 20, 30, *(60 * minutes for minutes in (1, 2, 5, 10, 20, 30)))
HOUR = 3600


class Line(NamedTuple):
    """One line: what it shows, its colour's role in the page's style, and its points (seconds, value)."""

    label: str
    role: str
    points: Sequence[tuple[float, float]]


def line_charts(title: str, unit: str, lines: Sequence[Line], floor_value: float | None = None) -> dict[str, Markup]:
    """Draw lines over time, for a wide page and for a narrow one: {"wide": svg, "narrow": svg}.

    `floor_value`: where the vertical axis begins; None: at the lowest point.
    """
    drawn = [line for line in lines if len(line.points) > 1]
    values = [value for line in drawn for _, value in line.points]
    last = max(seconds for line in drawn for seconds, _ in line.points)
    low = min(values) if floor_value is None else floor_value
    now = ", ".join(f"{line.label} {line.points[-1][1]:.2f}" for line in drawn)
    label = f"{title}, {unit}, now: {now}"
    return {
        name: _draw(label, drawn, _Scale(*size, last or 1.0, low, max(*values, low + 1e-9)))
        for name, size in SIZES.items()
    }


class _Scale(NamedTuple):
    """From seconds and values to places in the picture."""

    width: int
    height: int
    last: float
    low: float
    high: float

    def x(self, seconds: float) -> float:
        return LEFT + seconds / self.last * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.height - BOTTOM - min(max(share, 0.0), 1.0) * (self.height - TOP - BOTTOM)


def _draw(label: str, lines: Sequence[Line], scale: _Scale) -> Markup:
    begin = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(scale.width, scale.height, label)
    parts = [begin, *_grid(scale), *(_polyline(line, scale) for line in lines), Markup("</svg>")]
    return Markup("").join(parts)


def _grid(scale: _Scale) -> Iterator[Markup]:
    for value in _round_values(scale.low, scale.high):
        y = f"{scale.y(value):.1f}"
        yield Markup('<path d="M{} {}H{}" stroke="var(--grid)"/>').format(LEFT, y, scale.width - RIGHT)
        yield Markup('<text x="{}" y="{}" dy="0.32em" text-anchor="end" fill="var(--muted)">{}</text>').format(
            LEFT - 8, y, f"{value:g}"
        )
    for seconds in _round_times(scale.last, scale.width // TIME_PIXELS):
        yield Markup('<text x="{}" y="{}" text-anchor="middle" fill="var(--muted)">{}</text>').format(
            f"{scale.x(seconds):.1f}", scale.height - 8, format_duration(seconds).replace(".0 s", " s")
        )


def _polyline(line: Line, scale: _Scale) -> Markup:
    every = ceil(len(line.points) / MAX_POINTS)
    kept = [*line.points[::every], line.points[-1]]
    points = " ".join(f"{scale.x(seconds):.1f},{scale.y(value):.1f}" for seconds, value in kept)
    return Markup('<polyline points="{}" fill="none" stroke="var(--{})" stroke-width="2"/>').format(points, line.role)


def _round_values(low: float, high: float) -> list[float]:
    """A few round values between two."""
    smallest = (high - low) / TICKS
    size = 10.0 ** floor(log10(smallest))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if size * factor >= smallest)
    return [round(number * step, 10) for number in range(ceil(low / step), floor(high / step) + 1)]


def _round_times(last: float, most: int) -> list[float]:
    """At most so many round times after the beginning, well before the end of the axis."""
    hours = HOUR * max(1, ceil(last / HOUR / most))
    step = next((float(seconds) for seconds in ROUND_TIMES if last / seconds <= most), float(hours))
    return [number * step for number in range(1, floor(0.97 * last / step) + 1)]
