"""A training that must end in time: where its pace is not as planned, it gets another end, to which the rates fall."""

from collections import deque
from typing import NamedTuple

WAVERING = 0.1  # of the time that is left: a stretch says no better how long the rest will take
TOLERATED_SHARE = 0.02  # of the time: by so much a training may be late, or early
LAST_SHARE_TO_ADD = 0.8  # of the time: after it the rates have fallen too far for more steps to matter
SHARE_TO_USE = 0.98  # of the time that is left
MIN_DECAY_STEPS = 20  # in which the rates can still fall, where the time is over already
PACE_SHARE = 0.1  # of the time: over the last stretch of so long the pace is taken, for other programs come and go
MARKS = 8  # in that stretch


class NewEnd(NamedTuple):
    """Where a training will end instead: its step now, the steps it will have made in all, the seconds each takes."""

    step: int
    steps: int
    step_seconds: float


class Deadline:
    """Watches the pace of a training."""

    def __init__(self, seconds: float | None, most_steps: int = 0) -> None:
        """`seconds`: of training in all; None: it may take as long as it takes. Steps are added up to `most_steps`."""
        self.seconds, self.most_steps = seconds, most_steps
        self.new_end: NewEnd | None = None
        self._marks = deque[tuple[int, float]]()

    def look(self, step: int, steps: int, seconds: float) -> None:
        """Note that `step` of `steps` was reached after so many seconds of training, and whether the end must move."""
        if self.seconds is None:
            return
        stretch = PACE_SHARE * self.seconds
        if not self._marks or seconds - self._marks[-1][1] >= stretch / MARKS:
            self._marks.append((step, seconds))
        while len(self._marks) > 1 and seconds - self._marks[1][1] >= stretch:
            self._marks.popleft()
        first_step, first_seconds = self._marks[0]
        if seconds - first_seconds < stretch:
            return
        pace, left = (seconds - first_seconds) / (step - first_step), self.seconds - seconds
        if (steps - step) * pace - left > max(WAVERING * left, TOLERATED_SHARE * self.seconds):
            end = NewEnd(step, step + max(MIN_DECAY_STEPS, int(SHARE_TO_USE * left / pace)), pace)
            self.new_end = end if end.steps < steps else None
        elif seconds < LAST_SHARE_TO_ADD * self.seconds:
            slower = max(pace, seconds / step)  # a fast stretch may be an exception
            end = NewEnd(step, min(self.most_steps, step + int(SHARE_TO_USE * left / slower)), slower)
            if (end.steps - steps) * slower > max(WAVERING * left, TOLERATED_SHARE * self.seconds):
                self.new_end = end
