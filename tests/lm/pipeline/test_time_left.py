"""What is left of the whole run: as planned before training, as fast as training goes after."""

import pytest

from lm.pipeline.time_left import TimeLeft
from lm.supervision.work_clock import WorkClock


class Clock(WorkClock):
    """Set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    @property
    def seconds(self) -> float:
        return self.now


def test_it_follows_the_plan_and_then_the_steps() -> None:
    """A training twice as slow as planned leaves twice as much; what comes after stays as planned, until it passed."""
    clock = Clock()
    left = TimeLeft(clock)
    left.trained(1, 10)
    assert left.seconds is None
    left.planned(seconds=130, training_seconds=100)
    clock.now = 10
    assert left.seconds == 120
    left.trained(0, 100)
    clock.now = 30
    left.trained(10, 100)
    assert left.seconds == pytest.approx(180 + 20)
    clock.now = 40
    assert left.seconds == pytest.approx(190)
    clock.now = 210
    left.trained(100, 100)
    assert left.seconds == pytest.approx(20)
    clock.now = 500
    assert left.seconds is None


def test_the_next_seed_is_a_training_of_its_own() -> None:
    """Its steps begin anew; what is left is its own training and what comes after."""
    clock = Clock()
    left = TimeLeft(clock)
    left.planned(seconds=220, training_seconds=100)
    left.trained(0, 10)
    clock.now = 100
    left.trained(10, 10)
    assert left.seconds == pytest.approx(120)
    left.trained(0, 10)
    clock.now = 150
    left.trained(5, 10)
    assert left.seconds == pytest.approx(50 + 20)
