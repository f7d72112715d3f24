"""How often to retrain: what models lose with age against a fresh one, over all contests that were held.

In every contest the champion and the former champions, of different ages, read the same new text as a challenger that
was just trained. What each needs more than the challenger, in bits per byte, is one point of the drift curve; a
straight line through the origin (a fresh model has lost nothing) gives the loss a day.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from lm.champions.champion import Decision
from lm.champions.retraining import TOLERANCE
from lm.formatting import counted

RESAMPLES = 2000
MIN_POINTS = 3
MIN_CONTESTS = 2
MIN_AGE_DAYS = 1 / 24  # models trained within the hour differ by their settings, not by their age


class Point(NamedTuple):
    """One model in one contest."""

    model: str
    contest: int  # which one: all points of a contest share its text and its challenger
    age_days: float
    loss: float  # bits per byte more than the fresh model's


class Answer(NamedTuple):
    """The loss a day in bits per byte, its 95 % interval over contests, and after how many days the tolerance is lost.

    `days` is None where no loss with age is to be seen.
    """

    points: int
    contests: int
    longest_days: float
    loss_a_day: float | None
    ci95: tuple[float, float] | None
    days: float | None
    sentence: str


def drift_points(decisions: Iterable[Decision]) -> list[Point]:
    """Every model of every contest that had a champion and a fresh challenger."""
    points = []
    for number, decision in enumerate(decisions):
        contest = decision.contest
        if contest is None or contest.champion is None or contest.challenger is None:
            continue
        fresh = contest.challenger
        for standing in (contest.champion, *contest.elders):
            age = standing.age_days - fresh.age_days
            if age >= MIN_AGE_DAYS:
                points.append(Point(standing.model, number, age, standing.bits_per_byte - fresh.bits_per_byte))
    return points


def how_often(points: list[Point], tolerance: float = TOLERANCE) -> Answer:
    """Answer from the points of a history how many days a model may be used before it has lost `tolerance`."""
    contests = sorted({point.contest for point in points})
    longest = max((point.age_days for point in points), default=0.0)
    if len(points) < MIN_POINTS or len(contests) < MIN_CONTESTS:
        sentence = (
            f"Too early to say how often to retrain: {counted(len(points), 'comparison')} of an older "
            f"model with a fresh one so far, at least {MIN_POINTS} in {MIN_CONTESTS} retrainings are needed."
        )
        return Answer(len(points), len(contests), longest, None, None, None, sentence)
    slope, ends = _slope(points), _slope_interval(points, contests)
    days = tolerance / slope if ends[0] > 0 else None
    over = f"{len(points)} comparisons in {len(contests)} retrainings, over {_days(longest)}"
    if days is None:
        sentence = (
            f"No loss with age is certain yet: {slope * 7:+.3f} bits per byte a week (95 % interval "
            f"{ends[0] * 7:+.3f} to {ends[1] * 7:+.3f}; {over}). Retraining more often than now would not pay."
        )
    else:
        sentence = (
            f"Retrain about every {_days(days)}: a model loses {slope * 7:.3f} bits per byte a week against a fresh "
            f"one (95 % interval {ends[0] * 7:.3f} to {ends[1] * 7:.3f}; {over}), and {tolerance:g} may be lost."
        )
        if days > longest:
            sentence += " That lies beyond what was seen, so it is a guess."
    return Answer(len(points), len(contests), longest, slope, ends, days, sentence)


def _slope(points: list[Point]) -> float:
    """The least-squares line through the origin."""
    ages, losses = (np.array([getattr(point, name) for point in points]) for name in ("age_days", "loss"))
    return float((ages @ losses) / (ages @ ages))


def _slope_interval(points: list[Point], contests: list[int]) -> tuple[float, float]:
    """Its 95 % interval, by resampling whole contests: the points of one share their text."""
    random = np.random.default_rng(0)
    groups = [[point for point in points if point.contest == contest] for contest in contests]
    slopes = [
        _slope([point for index in random.integers(0, len(groups), len(groups)) for point in groups[index]])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return float(low), float(high)


def _days(days: float) -> str:
    """Days in the unit in which one speaks of them."""
    if days >= 60:
        return f"{days / 30.44:.0f} months"
    if days >= 14:
        return f"{days / 7:.0f} weeks"
    if days >= 1.5:
        return f"{days:.0f} days"
    hours = days * 24
    return f"{hours:.0f} hours" if hours >= 1.5 else f"{hours * 60:.0f} minutes"
