"""The pictures of where a model errs: its confidence, its loss by what it has read and by how common a token is."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lm.evaluate.result import CalibrationBin, TokensOfContext, TokensOfFrequency
from lm.formatting import format_count
from lm.report.charts import FONT_SIZE, LETTER_WIDTH, NARROW, canvas, caption, label_beside
from lm.report.error_text import MIN_TOKENS
from lm.report.inline_svg import STAND_INS, as_inline_svg

MAX_POINT = 300.0  # square points: of a bin that held all tokens
MIN_POINT = 14.0
MAX_TICKS = 5
COLOURS = STAND_INS


def bits(nats: float) -> float:
    """Nats as bits."""
    return nats / math.log(2)


def reliability_svg(bins: Sequence[CalibrationBin]) -> str:
    """How often the likeliest token came, by how sure the model was of it."""
    figure, axes = canvas(NARROW, COLOURS, right=14)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.plot([0, 100], [0, 100], color=COLOURS["other"], linewidth=1.2, linestyle=(0, (2, 3)))
    sure = [100 * row["confidence"] for row in bins]
    right = [100 * row["accuracy"] for row in bins]
    tokens = [row["tokens"] for row in bins]
    areas = [MIN_POINT + MAX_POINT * count / sum(tokens) for count in tokens]
    axes.plot(sure, right, color=COLOURS["model"], linewidth=2)
    axes.scatter(sure, right, s=areas, color=COLOURS["model"], linewidths=0, zorder=3, clip_on=False)
    above = sum((row["confidence"] - row["accuracy"]) * row["tokens"] for row in bins) > 0  # where the curve is not
    axes.annotate(
        "perfectly calibrated",
        (56, 56) if above else (40, 40),
        (-8, 4) if above else (10, -12),
        textcoords="offset points",
        ha="right" if above else "left",
        fontsize=FONT_SIZE - 1,
        color=COLOURS["muted"],
    )
    _below(axes, "confidence in the most likely token, %")
    caption(axes, "% of the time right", COLOURS)
    told = ", ".join(f"{a:.0f}% sure, {b:.0f}% right" for a, b, count in zip(sure, right, tokens, strict=True) if count)
    return as_inline_svg(figure, "reliability", "How sure the model is, and how often right", f"{told}.")


def context_svg(rows: Sequence[TokensOfContext]) -> str:
    """Loss by the number of tokens read before."""
    figure, axes = canvas(NARROW, COLOURS, right=14)
    read = [float(row["most_read"]) for row in rows]
    loss = [bits(row["nats_per_token"]) for row in rows]
    low, high = ([bits(row["ci95"][end] if row["ci95"] else row["nats_per_token"]) for row in rows] for end in (0, 1))
    axes.fill_between(read, low, high, color=COLOURS["model"], alpha=0.18, linewidth=0)
    axes.plot(read, loss, color=COLOURS["model"], linewidth=2, marker="o", markersize=4)
    _doubling(axes, read)
    _below(axes, "tokens read before")
    caption(axes, "bits per token, lower is better", COLOURS)
    told = ", ".join(f"{value:.1f} after {count:.0f}" for value, count in zip(loss, read, strict=True))
    return as_inline_svg(figure, "context", "Loss by how much was read before", f"Bits per token: {told}.")


def frequency_svg(rows: Sequence[TokensOfFrequency]) -> str:
    """Loss by how often a token stands in the training text, beside what its frequency alone would tell."""
    rows = [row for row in rows if row["tokens"] >= MIN_TOKENS] or rows
    alone = [bits(row["by_count_alone"]) for row in rows]
    loss = [bits(row["nats_per_token"]) for row in rows]
    labels = ["frequency alone", "the model"]
    figure, axes = canvas(NARROW, COLOURS, right=14 + LETTER_WIDTH * max(map(len, labels)))
    counts = [max(float(row["least_count"]), 0.5) for row in rows]  # those never seen stand left of those seen once
    axes.plot(counts, alone, color=COLOURS["other"], linewidth=1.2, linestyle=(0, (2, 3)))
    axes.plot(counts, loss, color=COLOURS["model"], linewidth=2, marker="o", markersize=4)
    axes.set_ylim(0, 1.05 * max(*alone, *loss))
    _doubling(axes, counts)
    label_beside(axes, labels, [alone[-1], loss[-1]], [COLOURS["other"], COLOURS["model"]])
    _below(axes, "times in the training text")
    caption(axes, "bits per token, lower is better", COLOURS)
    told = ", ".join(
        f"{value:.1f} for those seen {format_count(row['least_count'])} times or more"
        for value, row in zip(loss, rows, strict=True)
    )
    return as_inline_svg(figure, "frequency", "Loss by how common a token is", f"Bits per token: {told}.")


def _doubling(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis whose ticks are some of the values: few enough to stand beside each other."""
    axes.set_xscale("log", base=2)
    every = -(-len(values) // MAX_TICKS)
    axes.xaxis.set_major_locator(FixedLocator(list(values)[::-every][::-1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    """A count in as few letters as there is room for."""
    if value < 1:
        return "0"
    letter, size = next((pair for pair in (("M", 2**20), ("k", 2**10)) if value >= pair[1]), ("", 1))
    return f"{value / size:.0f}{letter}"


def _below(axes: Axes, text: str) -> None:
    axes.set_xlabel(text, fontsize=FONT_SIZE - 1, color=COLOURS["muted"], labelpad=5)
