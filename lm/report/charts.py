"""A quiet canvas for the pictures of a run, and what all of them share."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

PAPER = {  # where no page sets the colours: the report's own in daylight
    "ink": "#2a2521",
    "muted": "#756b61",
    "grid": "#e6dfd5",
    "band": "#f1ebe2",
    "model": "#b4481a",
    "unseen": "#1f5f8b",
    "other": "#756b61",
    "limit": "#a3262a",
}
WIDE, NARROW = (760, 330), (360, 290)  # width, height in CSS pixels
FONT_SIZE = 12.5
LETTER_WIDTH = 6.4  # pixels, roughly, at that size


def canvas(size: tuple[int, int], colours: Mapping[str, str], right: float) -> tuple[Figure, Axes]:
    """A quiet pair of axes; `right` pixels are left free for labels beside the curves."""
    width, height = size
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="white")
    left, bottom, top = 44, 40, 30
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(colours["muted"])
        spine.set_linewidth(0.8)
    axes.tick_params(length=0, pad=6, labelsize=FONT_SIZE - 1, labelcolor=colours["muted"])
    axes.grid(axis="y", color=colours["grid"], linewidth=1)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4 if width < 500 else 8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    return figure, axes


def caption(axes: Axes, text: str, colours: Mapping[str, str]) -> None:
    """The unit of the vertical axis, written above it where it can be read without turning the head."""
    axes.annotate(
        text,
        (0, 1),
        (-38, 14),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=FONT_SIZE - 1,
        color=colours["muted"],
    )


def time_axis(axes: Axes, longest_seconds: float, colours: Mapping[str, str], what: str) -> float:
    """Label the time axis in the unit that suits; returns the seconds of that unit."""
    unit, seconds = next(
        (unit, seconds)
        for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1))
        if longest_seconds >= 2 * seconds or seconds == 1
    )
    axes.set_xlim(0, longest_seconds / seconds)
    axes.set_xlabel(f"{unit} {what}", fontsize=FONT_SIZE - 1, color=colours["muted"], labelpad=5)
    return seconds


def label_beside(axes: Axes, texts: Sequence[str], values: Sequence[float], colours: Sequence[str]) -> None:
    """Name every line at its right end, apart from each other."""
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height  # at 72 dots per inch
    places = spread([(value - low) / (high - low) * height for value in values], gap=FONT_SIZE + 3.5)
    for text, place, colour in zip(texts, places, colours, strict=True):
        axes.annotate(
            text,
            (1, place / height),
            (8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=FONT_SIZE,
            color=colour,
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move places apart until neighbours keep `gap`, each group staying centred on where it wants to be."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    groups: list[tuple[list[int], float]] = []  # members from below, centre
    for index in order:
        members, centre = [index], places[index]
        while groups and groups[-1][1] + gap * (len(groups[-1][0]) + len(members)) / 2 > centre:
            members = groups.pop()[0] + members
            centre = sum(places[member] for member in members) / len(members)
        groups.append((members, centre))
    result = [0.0] * len(places)
    for members, centre in groups:
        for rank, member in enumerate(members):
            result[member] = centre + gap * (rank - (len(members) - 1) / 2)
    return result
