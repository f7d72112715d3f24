"""A checkpoint is believed where it is what was written; else the one before is taken, and the end is the same."""

import json
import random
import shutil
from pathlib import Path

import pytest

from lm.errors import Stopped
from lm.model.config import TrainingConfig
from lm.progress import silent
from lm.train.early_stopping import EarlyStopping
from lm.train.scratch import BEST_FILE, CHECKPOINTS
from lm.train.training import Training
from tests.lm.conftest import Toy

RECIPE = TrainingConfig(
    layers=1, width=32, heads=1, kv_heads=1, mlp_width=64, context=32, batch_sequences=8, steps=20, precision="fp32",
    seed=1,
)  # fmt: skip


def training(toy: Toy, folder: Path, recipe: TrainingConfig = RECIPE) -> Training:
    folder.mkdir(exist_ok=True)
    return Training(recipe, toy.tokens, folder, micro_batch=8, device="cpu", checkpoint_seconds=0)


def cut(toy: Toy, folder: Path, recipe: TrainingConfig = RECIPE) -> list[Path]:
    """A training that was stopped in the middle; its checkpoints, newest first."""
    begun = training(toy, folder, recipe)
    with pytest.raises(Stopped):
        begun.run_until(recipe.steps, lambda: "cut" if begun.trainer.step_index == recipe.steps // 2 else None, silent)
    return sorted((folder / CHECKPOINTS).glob("step-*.json"), reverse=True)


def finish(begun: Training) -> str | None:
    begun.run_until(begun.recipe.steps, lambda: None, silent)
    return begun.finish().final_state_sha256


@pytest.fixture(scope="module")
def whole(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """What the training comes to where nothing is damaged."""
    return finish(training(toy, tmp_path_factory.mktemp("whole")))


def test_a_damaged_checkpoint_is_passed_over_whatever_the_damage(toy: Toy, tmp_path: Path, whole: str | None) -> None:
    """One bit in the record or in the tensors, or the end gone: it is named, the one before is used, same bytes."""
    records = cut(toy, tmp_path / "cut")
    steps = [int(path.stem.removeprefix("step-")) for path in records]
    chance = random.Random(1)
    for number in range(60):
        folder = Path(shutil.copytree(tmp_path / "cut", tmp_path / "damaged", dirs_exist_ok=True))
        file = folder / CHECKPOINTS / records[0].name
        file = chance.choice([file, file, file.with_suffix(".safetensors")])
        content = bytearray(file.read_bytes())
        place = chance.randrange(len(content))
        content[place] ^= 1 << chance.randrange(8)
        file.write_bytes(content[:place] if number % 5 == 0 else content)
        resumed = training(toy, folder)
        assert resumed.resumed_from_step == steps[1]
        assert any(records[0].stem in note for note in resumed.notes)
    assert finish(resumed) == whole


def test_with_every_checkpoint_damaged_training_begins_anew(toy: Toy, tmp_path: Path, whole: str | None) -> None:
    """Nothing to go on from: the notes name each, and the end is the same."""
    records = cut(toy, tmp_path / "cut")
    for record in records:
        record.write_bytes(record.read_bytes()[:-9])
    anew = training(toy, tmp_path / "cut")
    assert anew.resumed_from_step is None
    assert len(anew.notes) == len(records)
    assert finish(anew) == whole


def test_a_checkpoint_of_an_older_version_is_used(toy: Toy, tmp_path: Path, whole: str | None) -> None:
    """Without a checksum and the newer facts it is believed as before; where a field is missing it is not."""
    records = cut(toy, tmp_path / "cut")
    content = json.loads(records[0].read_text())
    del content["checksum"], content["facts"]["recipe"]
    records[0].write_text(json.dumps(content, indent=2))
    shutil.copytree(tmp_path / "cut", tmp_path / "less")
    resumed = training(toy, tmp_path / "cut")
    assert resumed.resumed_from_step == RECIPE.steps // 2
    assert finish(resumed) == whole
    del content["facts"]["metrics"]
    (tmp_path / "less" / CHECKPOINTS / records[0].name).write_text(json.dumps(content, indent=2))
    assert training(toy, tmp_path / "less").resumed_from_step != RECIPE.steps // 2


def test_a_checkpoint_of_another_training_is_not_used(toy: Toy, tmp_path: Path, whole: str | None) -> None:
    """The files of another seed's training in its place: they are whole, and yet not taken."""
    cut(toy, tmp_path / "other", RECIPE.model_copy(update={"seed": 2}))
    mine = training(toy, tmp_path / "other")
    assert mine.resumed_from_step is None
    assert finish(mine) == whole


def test_damaged_best_weights_are_never_published(toy: Toy, tmp_path: Path) -> None:
    """Early stopping keeps the best weights in a file; where that is damaged training begins anew, to the same end."""
    looking = RECIPE.model_copy(update={"validation_share": 0.1})
    expected = finish(training(toy, tmp_path / "whole", looking))
    cut(toy, tmp_path / "cut", looking)
    best = tmp_path / "cut" / BEST_FILE
    content = bytearray(best.read_bytes())
    content[-100] ^= 4
    best.write_bytes(content)
    anew = training(toy, tmp_path / "cut", looking)
    assert any(BEST_FILE in note and "begins anew" in note for note in anew.notes)
    assert isinstance(anew.early_stopping, EarlyStopping)
    assert finish(anew) == expected
