"""The drift curve: how often to retrain, by what older models lost against fresh ones."""

import numpy as np
import pytest

from lm.champions.champion import Decision
from lm.champions.contest import Contest, Standing
from lm.champions.drift import drift_points, how_often
from lm.report.drift_chart import drift_png, drift_svg


def decision(champion_age: float, losses: dict[float, float], fresh_bits: float = 1.5) -> Decision:
    """A contest in which a model of each age lost so much against one trained an hour ago."""
    fresh = Standing(model="fresh", bits_per_byte=fresh_bits, age_days=0.04)
    standings = [
        Standing(model=f"m{age}", bits_per_byte=fresh_bits + loss, age_days=age + 0.04) for age, loss in losses.items()
    ]
    champion = next(standing for standing in standings if standing.model == f"m{champion_age}")
    contest = Contest(
        text="t", unit="document", units=50, seen_units=0, bytes=1000, champion=champion, challenger=fresh,
        elders=tuple(standing for standing in standings if standing is not champion),
    )  # fmt: skip
    return Decision(
        decided="2026-11-21T00:00:00Z", action="kept", champion="m", previous=None, reason="", contest=contest
    )


def history(loss_a_day: float, noise: float, nights: int = 12) -> list[Decision]:
    """Nights on which the champion of last night and those of one and two weeks ago were measured."""
    random = np.random.default_rng(1)
    return [
        decision(1.0, {age: loss_a_day * age + random.normal(0, noise) for age in (1.0, 7.0, 14.0)})
        for _ in range(nights)
    ]


def test_a_steady_loss_gives_the_days_after_which_the_tolerance_is_lost() -> None:
    """Models that lose 0.002 bits a day may be used for ten days if 0.02 may be lost."""
    answer = how_often(drift_points(history(0.002, noise=0.002)), tolerance=0.02)
    assert answer.days == pytest.approx(10, rel=0.1)
    assert answer.ci95
    assert answer.ci95[0] < 0.002 < answer.ci95[1]
    assert "Retrain about every 10 days" in answer.sentence


def test_no_loss_and_no_history_are_said_as_such() -> None:
    """Where nothing is lost with age no number of days is made up, and where little was measured neither."""
    assert how_often(drift_points(history(0.0, noise=0.003))).days is None
    early = how_often(drift_points(history(0.002, noise=0.0, nights=1)))
    assert early.loss_a_day is None
    assert early.sentence.startswith("Too early")
    assert how_often([]).sentence.startswith("Too early")


def test_models_of_the_same_hour_say_nothing_about_age() -> None:
    """Two trainings in a row differ by their settings: they are no point of the curve."""
    assert drift_points([decision(0.01, {0.01: 0.4})]) == []


@pytest.mark.parametrize("days", [0.5, 14.0, 90.0])
def test_the_curve_is_drawn_at_every_scale(days: float) -> None:
    """Hours, weeks and months: same points, same bytes, and words for a screen reader."""
    points = drift_points([decision(days, {days: 0.03, days / 2: 0.01})] * 3)
    assert drift_png(points).startswith(b"\x89PNG")
    assert drift_svg(points) == drift_svg(points)
    assert "<desc" in drift_svg(points)["narrow"]
