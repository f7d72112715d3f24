"""A training that must end in time: it notices that it will not, and gets an earlier end, to which the rates fall."""

from collections import deque
from pathlib import Path
from typing import NamedTuple

from lm.planning.candidates import SHARE_FOR_STEPS
from lm.planning.plan import Plan
from lm.quantities import format_duration
from lm.stages import stage_key
from lm.store import Store, flush, write_json
from lm.training.recipe import Recipe, cut_short, uncut

TOLERATED_SHARE = 0.02  # of the time: by so much a training may be late
SHARE_TO_USE = 0.97  # of the time that is left: pace wavers
LEAST_DECAY_STEPS = 20  # in which the rates can still fall, where the time is over already
PACE_SHARE = 0.1  # of the time: over the last stretch of so long the pace is taken, for other programs come and go
MARKS = 8  # in that stretch


class Late(NamedTuple):
    """A training that will not end in time: its step, the steps it could make in all, and the seconds each takes."""

    step: int
    steps_in_time: int
    step_seconds: float


class Deadline:
    """Watches the pace of a training."""

    def __init__(self, seconds: float | None) -> None:
        """`seconds`: of training in all; None: it may take as long as it takes."""
        self.seconds = seconds
        self.late: Late | None = None
        self._marks = deque[tuple[int, float]]()

    def look(self, step: int, steps: int, seconds: float) -> None:
        """Note that `step` of `steps` was reached after so many seconds of training, and whether that is too slow."""
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
        pace = (seconds - first_seconds) / (step - first_step)
        steps_in_time = step + max(LEAST_DECAY_STEPS, int(SHARE_TO_USE * (self.seconds - seconds) / pace))
        if seconds + (steps - step) * pace > (1 + TOLERATED_SHARE) * self.seconds and steps_in_time < steps:
            self.late = Late(step, steps_in_time, pace)


def end_in_time(path: Path, plan: Plan, late: Late) -> tuple[Plan, str]:
    """Settle an earlier end, and write it into the kept plan; returns the new plan and what the user should know."""
    recipe = cut_short(plan.recipe, late.step, late.steps_in_time)
    reason = (
        f"A step takes {late.step_seconds * 1000:.0f} ms, planned were {plan.step_seconds * 1000:.0f}: to keep to "
        f"{format_duration(plan.request['minutes'] * 60)} training ends after {recipe.steps:,} steps instead of "
        f"{plan.recipe.steps:,}, and from step {late.step:,} on the learning rates fall faster."
    )
    changes = {"recipe": recipe, "step_seconds": late.step_seconds * SHARE_FOR_STEPS}
    shorter = plan.model_copy(update=changes | {"reasons": (*plan.reasons, reason)})
    write_json(path, shorter.model_dump(mode="json"))
    return shorter, reason


def take_over(store: Store, key: str, recipe: Recipe, inputs: dict[str, str]) -> None:
    """Let the training of this key go on with what was done before its end was moved.

    Done at every start, for a kill may have come between the new plan and this.
    """
    partial = store.partial("train", key)
    for earlier in uncut(recipe):
        begun = store.partial("train", stage_key("train", earlier, inputs))
        if begun.exists() and not partial.exists():
            begun.rename(partial)
            flush(partial.parent)
