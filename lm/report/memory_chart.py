"""The picture of the memory that a run took, for a page (SVG) and for elsewhere (PNG)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lm.formatting import format_bytes
from lm.memory.budget import SOFT_SHARE
from lm.report.charts import FONT_SIZE, LETTER_WIDTH, NARROW, PAPER, WIDE, canvas, caption, time_axis
from lm.report.inline_svg import STAND_INS, as_inline_svg, as_png
from lm.runs.run_record import MemoryRow


def memory_svg(memory: Sequence[MemoryRow]) -> dict[str, str]:
    """Memory over time for a wide page and for a narrow one."""
    return {
        width: as_inline_svg(
            _draw_memory(memory, size, STAND_INS), f"memory-{width}", "Memory", describe_memory(memory)
        )
        for width, size in (("wide", WIDE), ("narrow", NARROW))
    }


def memory_png(memory: Sequence[MemoryRow]) -> bytes:
    """Memory over time as a picture."""
    return as_png(_draw_memory(memory, WIDE, PAPER))


def describe_memory(memory: Sequence[MemoryRow]) -> str:
    """The memory picture in words."""
    peaks = {stage: max(row.tree_bytes for row in rows) for stage, rows in _by_stage(memory)}
    listed = ", ".join(f"{stage} {format_bytes(peak)}" for stage, peak in peaks.items())
    return f"Peak memory of each stage: {listed}. Budget: {format_bytes(max(row.budget_bytes for row in memory))}."


def _draw_memory(memory: Sequence[MemoryRow], size: tuple[int, int], colours: Mapping[str, str]) -> Figure:
    peak, budget = max(row.tree_bytes for row in memory), max(row.budget_bytes for row in memory)
    unit, unit_bytes = ("GiB", 2**30) if max(peak, min(budget, 2.5 * peak)) >= 2 * 2**30 else ("MiB", 2**20)
    figure, axes = canvas(size, colours, right=16)
    seconds = time_axis(axes, max(row.seconds for row in memory), colours, "since the run began")
    times = _column(memory, "seconds") / seconds
    in_sight = budget <= 3 * peak
    axes.set_ylim(0, (1.2 * max(budget, peak) if in_sight else 1.45 * peak) / unit_bytes)
    _draw_stages(axes, memory, seconds, unit_bytes, size[0], colours)
    axes.plot(
        times,
        _column(memory, "orchestrator_bytes") / unit_bytes,
        color=colours["other"],
        linewidth=1.2,
        linestyle=(0, (2, 2)),
    )
    if in_sight:
        for share, width in (
            (1.0, 1.6),
            (SOFT_SHARE, 0.8),
        ):  # the hard limit, and where a stage is asked to do with less
            limit = share * _column(memory, "budget_bytes") / unit_bytes
            axes.step(times, limit, color=colours["limit"], linewidth=width)
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
    axes: Axes, memory: Sequence[MemoryRow], seconds: float, unit_bytes: int, width: int, colours: Mapping[str, str]
) -> None:
    """Each stage's memory as a filled curve, on a band of its own, named where there is room."""
    top = axes.get_ylim()[1]
    pixels = axes.get_position().width * width / axes.get_xlim()[1]
    for index, (stage, rows) in enumerate(_by_stage(memory)):
        times, values = _column(rows, "seconds") / seconds, _column(rows, "tree_bytes") / unit_bytes
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


def _by_stage(memory: Sequence[MemoryRow]) -> Iterator[tuple[str, list[MemoryRow]]]:
    """Each stage with its rows, in the order in which the stages first came."""
    for stage in dict.fromkeys(row.stage for row in memory):
        yield stage, [row for row in memory if row.stage == stage]


def _column(memory: Sequence[MemoryRow], name: str) -> NDArray[np.float64]:
    return np.array([getattr(row, name) for row in memory], np.float64)
