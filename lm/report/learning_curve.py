"""The picture of what a run learned, for a page (SVG) and for elsewhere (PNG)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lm.report.charts import LETTER_WIDTH, NARROW, PAPER, WIDE, canvas, caption, label_beside, time_axis
from lm.report.inline_svg import STAND_INS, as_inline_svg, as_png
from lm.train.learning_curve import CurveRow

SMOOTHING_SHARE = 0.02  # of the curve: the window of its running mean


@dataclass(frozen=True)
class LearningCurve:
    """Loss while training, in `unit`; `baselines` (name -> loss in the same unit) are what it should fall below."""

    seconds: NDArray[np.float64]
    training: NDArray[np.float64]
    heldout: NDArray[np.float64]  # NaN where it was not measured
    unit: str
    baselines: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_metrics(
        cls,
        metrics: Sequence[CurveRow],
        bytes_per_token: Mapping[str, float] | None,
        baselines: Mapping[str, float] | None = None,
    ) -> "LearningCurve":
        """From the rows of `metrics.parquet`. With the bytes per token of both splits ("train", "heldout") nats per
        token become bits per byte, which baselines are given in.
        """
        nats = {"train": _column(metrics, "loss"), "heldout": _column(metrics, "heldout_loss")}
        if bytes_per_token:
            nats = {split: loss / (math.log(2) * bytes_per_token[split]) for split, loss in nats.items()}
        return cls(
            seconds=_column(metrics, "seconds"),
            training=nats["train"],
            heldout=nats["heldout"],
            unit="bits per byte" if bytes_per_token else "nats per token",
            baselines=dict(baselines or {}) if bytes_per_token else {},
        )

    def smooth(self) -> NDArray[np.float64]:
        """Running mean of the training loss over a few steps before and after."""
        window = np.ones(max(1, round(len(self.training) * SMOOTHING_SHARE)))
        sums, counts = (np.convolve(values, window, "same") for values in (self.training, np.ones_like(self.training)))
        return sums / counts

    def describe(self) -> str:
        """The picture in words."""
        seen = np.flatnonzero(~np.isnan(self.heldout))
        text = f"Training loss fell from {self.training[0]:.2f} to {self.smooth()[-1]:.2f} {self.unit}"
        if len(seen):
            text += f"; on text the model never saw it ended at {self.heldout[seen[-1]]:.2f}"
        others = ", ".join(f"{name} {value:.2f}" for name, value in self.baselines.items())
        return text + (f". Baselines: {others}." if others else ".")


def _column(metrics: Sequence[CurveRow], name: Literal["seconds", "loss", "heldout_loss"]) -> NDArray[np.float64]:
    return np.array([row[name] for row in metrics], np.float64)  # None becomes NaN


def learning_curve_svg(curve: LearningCurve) -> dict[str, str]:
    """The learning curve for a wide page and for a narrow one: {"wide": svg, "narrow": svg}."""
    return {
        width: as_inline_svg(
            _draw_curve(curve, size, STAND_INS), f"learning-{width}", "Learning curve", curve.describe()
        )
        for width, size in (("wide", WIDE), ("narrow", NARROW))
    }


def learning_curve_png(curve: LearningCurve) -> bytes:
    """The learning curve as a picture."""
    return as_png(_draw_curve(curve, WIDE, PAPER))


def _draw_curve(curve: LearningCurve, size: tuple[int, int], colours: Mapping[str, str]) -> Figure:
    smooth, seen = curve.smooth(), ~np.isnan(curve.heldout)
    lines = [("training text", float(smooth[-1]), "model")]
    if seen.any():
        lines.append(("unseen text", float(curve.heldout[seen][-1]), "unseen"))
    top = _curve_top(curve, smooth)
    lines += [(name, value, "other") for name, value in curve.baselines.items() if value < top]
    texts = [f"{name} {value:.2f}" for name, value, _ in lines]
    figure, axes = canvas(size, colours, right=14 + LETTER_WIDTH * max(map(len, texts)))
    seconds = time_axis(axes, float(curve.seconds[-1]), colours, "of training")
    bottom = min(value for _, value, _ in lines)
    axes.set_ylim(bottom - 0.12 * (top - bottom), top)
    axes.plot(curve.seconds / seconds, curve.training, color=colours["model"], alpha=0.25, linewidth=0.8)
    axes.plot(curve.seconds / seconds, smooth, color=colours["model"], linewidth=2)
    axes.plot(
        curve.seconds[seen] / seconds,
        curve.heldout[seen],
        color=colours["unseen"],
        linewidth=2,
        marker="o",
        markersize=4,
    )
    for _, value, colour in lines:
        if colour == "other":
            axes.axhline(value, color=colours["other"], linewidth=1.2, linestyle=(0, (2, 3)))
    label_beside(axes, texts, [value for _, value, _ in lines], [colours[colour] for _, _, colour in lines])
    caption(axes, f"{curve.unit}, lower is better", colours)
    return figure


def _curve_top(curve: LearningCurve, smooth: NDArray[np.float64]) -> float:
    """Where to cut the picture: the fall of the first steps is steep, and hides what comes after it."""
    after_the_fall = float(smooth[min(len(smooth) - 1, max(1, len(smooth) // 25))])
    bottom = float(np.nanmin([smooth.min(), *curve.heldout, *curve.baselines.values()]))
    near = [value for value in curve.baselines.values() if value < bottom + 1.5 * max(after_the_fall - bottom, 0.3)]
    # A text learned by heart ends high on what the model has not seen: that must stay in the picture.
    last_heldout = [float(value) for value in curve.heldout[np.isfinite(curve.heldout)][-1:]]
    top = max([after_the_fall, *near, *last_heldout])
    return top + 0.06 * (top - bottom) + 1e-9
