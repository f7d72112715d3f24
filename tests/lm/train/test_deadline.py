"""The minutes are kept: by a simulated clock, on a machine that is slower, faster, busy now and then, or as planned."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.model.config import TrainingConfig, with_end_moved
from lm.train.deadline import Deadline, NewEnd

START_SECONDS, FINISH_SECONDS, SAVE_SECONDS, SAVE_INTERVAL_SECONDS = 3.0, 0.8, 0.2, 15.0
RECIPE = TrainingConfig(
    layers=1, width=32, heads=1, kv_heads=1, mlp_width=64, context=32, batch_sequences=8,
    steps=100, precision="fp32", seed=1,
)  # fmt: skip


class Simulated(NamedTuple):
    """What became of a training."""

    seconds: float
    steps: int
    moves: list[NewEnd]


def simulate(asked: float, steps: int, step_seconds: Callable[[float], float], most_steps: int = 10**9) -> Simulated:
    """Train for the time asked for, on a machine whose steps take what `step_seconds` says of each moment."""
    deadline, moves = Deadline(asked, most_steps), list[NewEnd]()
    now, saved, step, usual = START_SECONDS, START_SECONDS, 0, step_seconds(START_SECONDS)
    while step < steps:
        now, step = now + step_seconds(now), step + 1
        if now - saved > SAVE_INTERVAL_SECONDS:
            now = saved = now + SAVE_SECONDS
        if step < steps and (end := deadline.look(step, steps, now, FINISH_SECONDS)):
            moves.append(end)
            steps = end.steps
    return Simulated(now + FINISH_SECONDS * step_seconds(now) / usual, steps, moves)


def is_kept(asked: float, taken: float) -> bool:
    """Within 5 %, or 3 s where that is more."""
    return abs(taken - asked) <= max(0.05 * asked, 3.0)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([30.0, 60.0, 180.0, 600.0]),
    st.floats(0.02, 0.3),
    st.floats(0.5, 2.5),
    st.lists(st.tuples(st.floats(10.0, 60.0), st.floats(1.0, 2.0)), min_size=1, max_size=12),
)
def test_the_minutes_are_kept_however_busy_the_machine_is(
    asked: float, planned: float, slower: float, busy: list[tuple[float, float]]
) -> None:
    """Steps take half to two and a half times what the trial said, and other programs come and go."""
    begins = [sum(seconds for seconds, _ in busy[:count]) for count in range(len(busy))]

    def step_seconds(now: float) -> float:
        times = [factor for begin, (_, factor) in zip(begins, busy, strict=True) if begin <= now][-1]
        return planned * slower * times

    trained = simulate(asked, max(20, round(0.9 * asked / planned)), step_seconds)
    assert is_kept(asked, trained.seconds)
    assert all(one.step < other.step for one, other in pairwise(trained.moves))


@pytest.mark.parametrize("off", [0.985, 1.0, 1.015])
def test_what_is_on_time_is_left_alone(off: float) -> None:
    """An end that is expected less than 2 % early or late is not moved."""
    steps = round((60.0 - START_SECONDS - FINISH_SECONDS - 3 * SAVE_SECONDS) / 0.1 * off)
    assert simulate(60.0, steps, lambda _: 0.1).moves == []


@pytest.mark.parametrize(("slower", "moves"), [(1.1, 1), (0.9, 1), (3.0, 1)])
def test_a_steady_machine_needs_one_move(slower: float, moves: int) -> None:
    """Where the trial was wrong and the pace is steady, the end is moved once, and all the time is used."""
    trained = simulate(180.0, 1700, lambda _: 0.1 * slower)
    assert len(trained.moves) == moves
    assert trained.seconds == pytest.approx(180.0, rel=0.02)


def test_no_more_steps_than_make_sense_and_no_fewer_than_a_training_has() -> None:
    """A fast machine does not learn the text by heart; a hopelessly slow one still makes twenty steps."""
    assert simulate(60.0, 500, lambda _: 0.01, most_steps=800).steps == 800
    assert simulate(20.0, 500, lambda _: 5.0).steps == 20


def test_a_training_that_goes_back_makes_the_recorded_moves_before_it_decides_anew() -> None:
    """Resumed, or gone back to a milestone, before the step of a recorded move: nothing is decided until it is past."""
    moved = with_end_moved(RECIPE, 40, 60)
    deadline = Deadline(100.0, 1000)
    deadline.expect_moves(moved)
    ends = {step: deadline.look(step, 60, 5.0 * step, 1.0) for step in range(10, 60)}
    first, *_ = (step for step, end in ends.items() if end)
    assert first == 41
