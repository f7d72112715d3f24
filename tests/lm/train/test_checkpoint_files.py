"""Checkpoints: whatever a kill, a power cut or a bad disk leaves, training goes on from the newest whole one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lm.train.checkpoint import FACTS, KEPT, load_milestone, load_newest, save_checkpoint
from lm.train.checkpoint_metrics import metrics_so_far

MILESTONE, RECIPE = 40, "ab" * 32


def take(folder: Path, *steps: int) -> None:
    """Save a checkpoint at each of these steps; its tensor and its facts hold the step."""
    for step in steps:
        rows = [{"step": step, "loss": 1.0}]
        facts = dict.fromkeys(FACTS) | {"recipe": RECIPE, "seconds": float(step), "metrics": {"rows": rows}}
        tensors = {"weights": torch.full((3, 2), float(step)).T}
        save_checkpoint(folder, step, tensors, facts, milestone_steps=MILESTONE)  # type: ignore[arg-type]


def steps_in(folder: Path, suffix: str = ".json") -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.glob(f"step-*{suffix}"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "the tensors are cut": lambda record: cut(record.with_suffix(".safetensors")),
    "a bit of the tensors is flipped": lambda record: flip(record.with_suffix(".safetensors")),
    "the tensors are gone": lambda record: record.with_suffix(".safetensors").unlink(),
    "the record is cut": cut,
    "the record is empty": lambda record: record.write_text(""),
    "the record lacks the hash": lambda record: record.write_text(json.dumps({"step": 30})),
}


def test_the_newest_are_kept_and_the_newest_milestone(tmp_path: Path) -> None:
    """Few enough for any disk, and one far enough back for a training that diverges."""
    take(tmp_path, *range(10, 100, 10))
    assert steps_in(tmp_path) == steps_in(tmp_path, ".safetensors") == [70, 80, 90]
    take(tmp_path, 100, 110, 120, 130)
    assert steps_in(tmp_path) == [110, 120, 130]
    take(tmp_path, 140, 150)
    assert steps_in(tmp_path) == [120, 130, 140, 150]
    assert len(steps_in(tmp_path)) == KEPT + 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_passed_over_and_said(tmp_path: Path, damage: str) -> None:
    """The one before it is loaded, exactly as it was saved; the damaged one is gone, so it is said once."""
    take(tmp_path, 10, 20, 30)
    DAMAGES[damage](tmp_path / "step-00000030.json")
    found, skipped = load_newest(tmp_path, RECIPE)
    assert found
    assert (found.step, found.facts["seconds"]) == (20, 20.0)
    assert torch.equal(found.tensors["weights"], torch.full((2, 3), 20.0))
    (said,) = skipped
    assert said.startswith("checkpoint step-00000030 was passed over: ")
    assert load_newest(tmp_path, RECIPE)[1] == []
    assert steps_in(tmp_path) == steps_in(tmp_path, ".safetensors") == [10, 20]


def test_where_none_is_whole_training_begins_anew(tmp_path: Path) -> None:
    """Nothing of what was damaged stays; a folder that is not there is no error."""
    assert load_newest(tmp_path / "not there", RECIPE) == (None, [])
    take(tmp_path, 10, 20)
    for step in (10, 20):
        cut(tmp_path / f"step-{step:08d}.json")
    found, skipped = load_newest(tmp_path, RECIPE)
    assert found is None
    assert len(skipped) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_kill_before_the_commit_leaves_the_one_before(tmp_path: Path) -> None:
    """Tensors without their record are no checkpoint, and what a writer had not renamed is swept."""
    take(tmp_path, 10)
    shutil.copy(tmp_path / "step-00000010.safetensors", tmp_path / "step-00000020.safetensors")
    (tmp_path / ".step-00000020.json.1.tmp").write_text('{"step": 20')
    found, skipped = load_newest(tmp_path, RECIPE)
    assert found
    assert (found.step, skipped) == (10, [])
    assert not list(tmp_path.glob(".*"))


def test_a_milestone_is_gone_back_to_and_what_came_after_is_deleted(tmp_path: Path) -> None:
    """A training that went astray does not resume from where it was astray."""
    take(tmp_path, 40, 50, 60, 70)
    found = load_milestone(tmp_path, RECIPE, MILESTONE)
    assert found
    assert found.step == 40
    assert steps_in(tmp_path) == steps_in(tmp_path, ".safetensors") == [40]
    take(tmp_path / "none", 50)
    assert load_milestone(tmp_path / "none", RECIPE, MILESTONE) is None


def test_a_report_reads_the_curve_of_the_newest_that_it_can(tmp_path: Path) -> None:
    """While a training goes on or after it was killed: without tensors, and none where there is none."""
    checkpoints = tmp_path / "checkpoints"
    assert metrics_so_far(tmp_path) == []
    take(checkpoints, 10, 20, 30)
    assert metrics_so_far(tmp_path) == [{"step": 30, "loss": 1.0}]
    cut(checkpoints / "step-00000030.json")
    (checkpoints / "step-00000020.json").write_text('{"step": 20}')
    assert metrics_so_far(tmp_path) == [{"step": 10, "loss": 1.0}]
