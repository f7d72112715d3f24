"""A training looks after itself: goes back where it diverges, stops where it learns by heart, keeps its time."""

import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lm.errors import SlowburnError, Stopped
from lm.model.config import TrainingConfig
from lm.progress import silent
from lm.store.files import sha256_of
from lm.supervision.work_clock import WorkClock
from lm.train.deadline import Deadline
from lm.train.scratch import CHECKPOINTS
from lm.train.training import Training
from tests.lm.conftest import Toy

SMALL = {
    "layers": 1, "width": 32, "heads": 1, "kv_heads": 1, "mlp_width": 64, "context": 32, "batch_sequences": 8,
    "steps": 100, "precision": "fp32", "seed": 1,
}  # fmt: skip


def training(toy: Toy, folder: Path, **changes: Any) -> Training:
    folder.mkdir(exist_ok=True)
    recipe = TrainingConfig(**(SMALL | changes))
    return Training(recipe, toy.tokens, folder, micro_batch=8, device="cpu", checkpoint_seconds=1e9)


def cut_often(toy: Toy, folder: Path, **changes: Any) -> Training:
    """The same training, interrupted again and again, each time continued by a new object."""
    while True:
        part = training(toy, folder, **changes)
        end = part.trainer.step_index + 17
        try:
            part.run_until(100, lambda: "asked to stop" if part.trainer.step_index == end else None, silent)  # noqa: B023
        except Stopped:
            continue
        return part


def test_a_diverging_training_goes_back_and_learns_with_smaller_rates(toy: Toy, tmp_path: Path) -> None:
    """The loss runs away: back to the last milestone, half the rates, a note; the end is finite and the same bytes."""
    wild = {"adam_rate": 2.0, "weight_decay": 0.0, "warmup": 0.5}
    whole = training(toy, tmp_path / "whole", **wild)
    whole.run_until(100, lambda: None, silent)
    facts = whole.finish()
    assert facts.rollbacks
    assert any("back to step" in note for note in facts.notes)
    assert facts.final_loss
    assert facts.final_loss < 8
    again = cut_often(toy, tmp_path / "cut", **wild)
    assert again.finish().final_state_sha256 == facts.final_state_sha256
    assert again.rollbacks == whole.rollbacks


def test_a_hopeless_training_ends_with_advice(toy: Toy, tmp_path: Path) -> None:
    """Where smaller rates do not help either, one line says what to lower."""
    hopeless = training(toy, tmp_path / "hopeless", muon_rate=1e6, adam_rate=1e6)
    with pytest.raises(SlowburnError, match=r"diverged.*--set train\.muon_rate"):
        hopeless.run_until(100, lambda: None, silent)


def test_learning_by_heart_is_noticed_and_the_best_weights_are_kept(toy: Toy, tmp_path: Path) -> None:
    """On a text that is repeated too often training stops early; resumed or not, the published weights are equal."""
    heart = {"steps": 800, "width": 64, "mlp_width": 256, "weight_decay": 0.0, "validation_share": 0.97}
    whole = training(toy, tmp_path / "whole", **heart)
    whole.run_until(800, lambda: None, silent)
    facts = whole.finish()
    assert facts.best_step
    assert facts.best_step < facts.steps < 800
    assert facts.best_step == min(whole.early_stopping.losses, key=lambda look: look[1])[0]
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(tmp_path / "whole" / CHECKPOINTS, copy / CHECKPOINTS)
    shutil.copyfile(tmp_path / "whole/best.safetensors", copy / "best.safetensors")
    resumed = training(toy, copy, **heart)
    resumed.run_until(800, lambda: None, silent)
    assert resumed.finish().weights_sha256 == facts.weights_sha256
    assert sha256_of(copy / "model.safetensors") == facts.weights_sha256


class StepClock(WorkClock):
    """A clock that only steps move."""

    shown = 0.0

    @property
    def seconds(self) -> float:
        return self.shown


class Killed(Exception):
    """As kill -9: nothing is saved."""


def keeping_time(toy: Toy, folder: Path, kill_after: int, **changes: Any) -> Training:
    """A training of 150 seconds, in as many processes as it takes, each killed after so many steps.

    Steps take a second by its clock, some of them in the middle three.
    """
    folder.mkdir()
    recipe = TrainingConfig(**(SMALL | changes))
    taken = count()
    while True:
        clock = StepClock()
        part = Training(
            recipe, toy.tokens, folder, micro_batch=8, device="cpu", checkpoint_seconds=1e9,
            deadline=Deadline(150.0, 10_000), clock=clock,
        )  # fmt: skip

        def stepped() -> None:
            number = next(taken)
            clock.shown += 3 if 40 <= number < 80 else 1  # noqa: B023
            if number % kill_after == kill_after - 1:
                raise Killed

        try:
            while not part.is_over:
                part.run_until(10_000, stepped, silent)
        except Killed:
            continue
        return part


@pytest.mark.parametrize("wild", [{}, {"adam_rate": 2.0, "weight_decay": 0.0, "warmup": 0.5}])
def test_a_moved_end_is_made_again_at_the_same_step_after_a_kill(
    toy: Toy, tmp_path: Path, wild: dict[str, float]
) -> None:
    """Killed again and again, its end moved in several processes, also where the loss runs away in between.

    It ends in the bytes of a training that had the whole schedule from the start.
    """
    cut = keeping_time(toy, tmp_path / "cut", 23, **wild)
    assert len(cut.recipe.former_ends) > 1
    assert bool(cut.rollbacks) == bool(wild)
    whole = training(toy, tmp_path / "whole", **(wild | cut.schedule.applied_to(cut.recipe).model_dump()))
    whole.run_until(10_000, lambda: None, silent)
    assert whole.rollbacks == cut.rollbacks
    assert whole.finish().final_state_sha256 == cut.finish().final_state_sha256
