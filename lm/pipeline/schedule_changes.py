"""A training whose end is moved: what becomes of its plan, and of what was trained before."""

from pathlib import Path

from lm.formatting import format_duration
from lm.model.config import TrainingConfig, before_moves, with_end_moved
from lm.planning.candidates import SHARE_FOR_STEPS
from lm.planning.plan import Plan
from lm.stages import stage_key
from lm.store.artifacts import Store
from lm.store.files import flush, write_json
from lm.train.deadline import NewEnd


def move_end(path: Path, plan: Plan, end: NewEnd) -> tuple[Plan, str]:
    """Settle another end, and write it into the kept plan; returns the new plan and what the user should know."""
    recipe = with_end_moved(plan.recipe, end.step, end.steps)
    fall = "faster" if recipe.steps < plan.recipe.steps else "more slowly"
    planned = plan.seconds / plan.recipe.steps
    reason = (
        f"A step takes {end.step_seconds * 1000:.0f} ms, planned were {planned * 1000:.0f}: to take "
        f"{format_duration(plan.request['minutes'] * 60)} training ends after {recipe.steps:,} steps instead of "
        f"{plan.recipe.steps:,}, and from step {end.step:,} on the learning rates fall {fall}."
    )
    changes = {"recipe": recipe, "step_seconds": end.step_seconds * SHARE_FOR_STEPS}
    moved = plan.model_copy(update=changes | {"reasons": (*plan.reasons, reason)})
    write_json(path, moved.model_dump(mode="json"))
    return moved, reason


def take_over(store: Store, key: str, recipe: TrainingConfig, inputs: dict[str, str]) -> None:
    """Let the training of this key go on with what was done before its end was moved.

    Done at every start, for a kill may have come between the new plan and this.
    """
    partial = store.partial("train", key)
    for earlier in before_moves(recipe):
        begun = store.partial("train", stage_key("train", earlier, inputs))
        if begun.exists() and not partial.exists():
            begun.rename(partial)
            flush(partial.parent)
