"""A training that keeps its minutes: where it is made, and what becomes of its plan when its end is moved.

Its key follows from the steps that it comes to, which nobody knows before. Until then it has a name of its own.
"""

from pathlib import Path

from lm.errors import SlowburnError
from lm.formatting import format_duration
from lm.model.config import TrainingConfig, as_planned
from lm.planning.plan import Plan, open_plan
from lm.planning.training_time import STEPS_SHARE
from lm.run_config import RunConfig
from lm.stages import TRAIN
from lm.store.files import write_record
from lm.store.keys import artifact_key
from lm.store.work import StageWork
from lm.train.schedule import Schedule


def deadline_seconds(config: RunConfig) -> float | None:
    """The time that training takes; None where it makes the steps that were asked for."""
    return None if config.train.steps else config.minutes * 60


def unfinished_work(work: StageWork, recipe: TrainingConfig, seconds: float | None) -> StageWork:
    """The work under the name that it has until it is finished: the same before and after each move of the end."""
    if seconds is None:
        return work
    planned = as_planned(recipe).model_dump(mode="json") | {"deadline_seconds": seconds}
    return work.model_copy(update={"key": artifact_key(TRAIN.name, TRAIN.version, planned, work.inputs)})


def follow(path: Path, plan: Plan, schedule: Schedule) -> tuple[Plan, str]:
    """Write a moved end into the kept plan; return the plan of this training and what the user should know."""
    recipe = schedule.applied_to(plan.recipe)
    reason = _reason(plan, recipe, schedule)
    kept = open_plan(path)
    if kept is None:
        raise SlowburnError(f"{path} is gone, the plan of this training: run the same command again")
    if recipe.seed == kept.recipe.seed:
        moved = {"recipe": recipe, "step_seconds": schedule.step_seconds * STEPS_SHARE}
    else:
        moved = {"other_seeds": {**kept.other_seeds, recipe.seed: recipe}}
        reason = f"Seed {recipe.seed}: {reason}"
    write_record(path, kept.model_copy(update=moved | {"reasons": (*kept.reasons, reason)}).model_dump(mode="json"))
    return plan.model_copy(update={"recipe": recipe, "step_seconds": schedule.step_seconds * STEPS_SHARE}), reason


def _reason(plan: Plan, recipe: TrainingConfig, schedule: Schedule) -> str:
    step, _ = recipe.former_ends[-1]
    fall = "faster" if recipe.steps < plan.recipe.steps else "more slowly"
    return (
        f"A step takes {schedule.step_seconds * 1000:.0f} ms, planned were {plan.step_seconds / STEPS_SHARE * 1000:.0f}"
        f": to take {format_duration(60 * plan.minutes)} training ends after {recipe.steps:,} steps instead "
        f"of {plan.recipe.steps:,}, and from step {step:,} on the learning rates fall {fall}."
    )
