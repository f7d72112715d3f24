"""The picture of the memory that a run took, for a page (SVG) and for elsewhere (PNG)."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lm.memory import SOFT_SHARE, format_bytes
from lm.reporting.charts import FONT_SIZE, LETTER_WIDTH, NARROW, PAPER, WIDE, canvas, caption, time_axis
from lm.reporting.inline_svg import STAND_INS, as_inline_svg, as_png


def memory_svg(memory: pd.DataFrame) -> dict[str, str]:
    """Memory over time (rows as in `MemoryRow`) for a wide page and for a narrow one."""
    return {
        width: as_inline_svg(
            _draw_memory(memory, size, STAND_INS), f"memory-{width}", "Memory", describe_memory(memory)
        )
        for width, size in (("wide", WIDE), ("narrow", NARROW))
    }


def memory_png(memory: pd.DataFrame) -> bytes:
    """Memory over time as a picture."""
    return as_png(_draw_memory(memory, WIDE, PAPER))


def describe_memory(memory: pd.DataFrame) -> str:
    """The memory picture in words."""
    peaks = memory.groupby("stage", sort=False)["tree_bytes"].max()
    listed = ", ".join(f"{stage} {format_bytes(peak)}" for stage, peak in peaks.items())
    return f"Peak memory of each stage: {listed}. Budget: {format_bytes(memory['budget_bytes'].max())}."


def _draw_memory(memory: pd.DataFrame, size: tuple[int, int], colours: Mapping[str, str]) -> Figure:
    peak, budget = float(memory["tree_bytes"].max()), float(memory["budget_bytes"].max())
    unit, unit_bytes = ("GiB", 2**30) if max(peak, min(budget, 2.5 * peak)) >= 2 * 2**30 else ("MiB", 2**20)
    figure, axes = canvas(size, colours, right=16)
    seconds = time_axis(axes, float(memory["seconds"].max()), colours, "since the run began")
    in_sight = budget <= 3 * peak
    axes.set_ylim(0, (1.12 * max(budget, peak) if in_sight else 1.45 * peak) / unit_bytes)
    _draw_stages(axes, memory, seconds, unit_bytes, size[0], colours)
    axes.plot(
        memory["seconds"] / seconds,
        memory["orchestrator_bytes"] / unit_bytes,
        color=colours["other"],
        linewidth=1.2,
        linestyle=(0, (2, 2)),
    )
    if in_sight:
        for share, width in (
            (1.0, 1.6),
            (SOFT_SHARE, 0.8),
        ):  # the hard limit, and where a stage is asked to do with less
            limit = share * memory["budget_bytes"] / unit_bytes
            axes.step(memory["seconds"] / seconds, limit, color=colours["limit"], linewidth=width)
    note = f"budget {format_bytes(budget)}"
    axes.annotate(
        note if in_sight else f"{note}, far above this picture",
        (1, budget / unit_bytes if in_sight else 1),
        (0, 5),
        xycoords=("axes fraction", "data" if in_sight else "axes fraction"),
        textcoords="offset points",
        ha="right",
        fontsize=FONT_SIZE,
        color=colours["limit"],
    )
    caption(axes, unit, colours)
    return figure


def _draw_stages(
    axes: Axes, memory: pd.DataFrame, seconds: float, unit_bytes: int, width: int, colours: Mapping[str, str]
) -> None:
    """Each stage's memory as a filled curve, on a band of its own, named where there is room."""
    top = axes.get_ylim()[1]
    pixels = axes.get_position().width * width / axes.get_xlim()[1]
    for index, (stage, rows) in enumerate(memory.groupby("stage", sort=False)):
        times, values = rows["seconds"] / seconds, rows["tree_bytes"] / unit_bytes
        start, end = float(times.min()), float(times.max())
        if index % 2 == 0:
            axes.axvspan(start, end, color=colours["band"], linewidth=0)
        axes.fill_between(times, values, color=colours["model"], alpha=0.18, linewidth=0)
        axes.plot(times, values, color=colours["model"], linewidth=1.8)
        if (end - start) * pixels > LETTER_WIDTH * (len(str(stage)) + 2):
            axes.annotate(
                str(stage),
                ((start + end) / 2, top),
                (0, -14),
                textcoords="offset points",
                ha="center",
                fontsize=FONT_SIZE,
                color=colours["ink"],
            )
