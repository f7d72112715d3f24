"""A training that keeps its minutes: where it would end earlier or later, it gets another end, to which the rates fall.

Pure arithmetic: it is told which step was reached when, and answers with another end or with none.
"""

import sys
from typing import NamedTuple

from lm.model.config import TrainingConfig

TOLERATED_SHARE = 0.02  # of the time: by so much a training may be expected to end early or late
WAVERING = 0.2  # of the time that is left: the pace so far says no better how long the rest will take
MIN_WINDOW_SHARE = 0.05  # of the time: the pace is taken over at least so long
WINDOW_OF_LEFT = 0.5  # and over so much of what is left: far ahead counts what lasts, near the end what is now
MARKS_PER_WINDOW = 8  # of the least length
MIN_STEPS = 20  # a training has so many, however slow the machine is, for the plan promises as many
DECAY_SHARE = 0.02  # of the time: in which the rates still fall where the time is over already
WARM_UP_STEPS = 2  # of a process: they take longer


class NewEnd(NamedTuple):
    """Where a training will end instead: its step now, the steps it will have made in all, the seconds each takes."""

    step: int
    steps: int
    step_seconds: float


class Deadline:
    """Watches the pace of a training in one process."""

    def __init__(self, seconds: float | None, most_steps: int = sys.maxsize) -> None:
        """`seconds`: of the stage in all; None: it may take as long as it takes. Steps are added up to `most_steps`."""
        self.seconds, self.most_steps = seconds, most_steps
        self._marks: list[tuple[int, float]] = []  # steps, and when they were reached
        self._warm_at: int | None = None  # step
        self._moved_at = -1  # step

    def look(self, step: int, steps: int, seconds: float, finish_seconds: float) -> NewEnd | None:
        """Return another end where the training would miss its time by too much; None where all is well.

        `step` of `steps` was reached after `seconds` of the stage, which takes `finish_seconds` more after its last
        step.
        """
        if self.seconds is None:
            return None
        left = self.seconds - finish_seconds - seconds
        pace = self._pace(step, seconds, left)
        if pace is None or step <= self._moved_at:
            return None
        end = self._end(step, left, pace)
        if abs((end - steps) * pace) <= TOLERATED_SHARE * self.seconds:
            return None
        if abs((steps - step) * pace - left) <= max(TOLERATED_SHARE * self.seconds, WAVERING * left):
            return None
        self._moved_at = step
        return NewEnd(step, end, pace)

    def expect_moves(self, recipe: TrainingConfig) -> None:
        """Take in where the end was moved before: a training that goes on from an earlier step comes to that first."""
        self._moved_at = max([self._moved_at, *(step for step, _ in recipe.former_ends)])

    def _end(self, step: int, left: float, pace: float) -> int:
        """How many steps fit."""
        assert self.seconds is not None
        fitting = step + max(1, round(max(left, DECAY_SHARE * self.seconds) / pace))
        return max(step + 1, min(self.most_steps, max(MIN_STEPS, fitting)))

    def _pace(self, step: int, seconds: float, left: float) -> float | None:
        """Seconds a step, over a stretch that suits what is left; None as long as too little is known."""
        assert self.seconds is not None
        if self._marks and step <= self._marks[-1][0]:  # the training went back to a milestone
            self._marks.clear()
        self._warm_at = step + WARM_UP_STEPS if self._warm_at is None else self._warm_at
        if step < self._warm_at:
            return None
        least = MIN_WINDOW_SHARE * self.seconds
        if not self._marks or seconds - self._marks[-1][1] >= least / MARKS_PER_WINDOW:
            self._marks.append((step, seconds))
        window = max(least, WINDOW_OF_LEFT * left)
        first = next((mark for mark in reversed(self._marks) if seconds - mark[1] >= window), self._marks[0])
        if step == first[0] or seconds - first[1] < min(least, max(0.0, left)):
            return None
        return (seconds - first[1]) / (step - first[0])
