"""A moved end is part of the plan: each seed has its own, and until it is finished a training keeps its name."""

from pathlib import Path

import pytest

from lm.model.config import TrainingConfig, with_end_moved
from lm.pipeline.schedule_changes import deadline_seconds, follow, unfinished_work
from lm.planning.machine import DeviceSpeed, Machine
from lm.planning.plan import Plan, open_plan
from lm.run_config import RunConfig
from lm.stages import stage_work
from lm.store.artifacts import Store
from lm.store.files import write_json
from lm.train.deadline import NewEnd
from lm.train.schedule import Schedule

RECIPE = TrainingConfig(
    layers=2, width=64, heads=2, kv_heads=1, mlp_width=128, context=48, batch_sequences=16,
    steps=100, precision="fp32", seed=1,
)  # fmt: skip
SPEED = DeviceSpeed(
    fp32_flops_per_second=1e9,
    bf16_flops_per_second=1e9,
    fp32_training_flops_per_second=1e9,
    bf16_training_flops_per_second=1e9,
)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A plan that is kept."""
    machine = Machine(cpu="x", threads=1, cores=1, torch="2", cpu_capability="", devices={"cpu": SPEED})
    plan = Plan(
        request={"minutes": 3.0},
        clean_key="0" * 16,
        vocab_size=512,
        recipe=RECIPE,
        micro_batch=16,
        most_steps=1000,
        chunk_steps=50,
        device="cpu",
        threads=1,
        step_seconds=0.96,
        checkpoint_bytes=1,
        predicted_memory_bytes=1,
        machine=machine.with_device(None),
        reasons=("as measured.",),
    )
    write_json(tmp_path / "plan.json", plan.model_dump(mode="json"))
    return tmp_path / "plan.json"


def opened(path: Path) -> Plan:
    plan = open_plan(path)
    assert plan
    return plan


def test_each_seed_has_the_end_that_it_came_to(kept: Path) -> None:
    """What one seed's training took says nothing of another's schedule; the plan tells of both, in words too."""
    plan = opened(kept)
    first, told = follow(kept, plan, Schedule.moved(RECIPE, NewEnd(30, 80, 1.25)))
    assert first.recipe == with_end_moved(RECIPE, 30, 80)
    assert told == (
        "A step takes 1250 ms, planned were 1000: to take 3 min training ends after 80 steps instead of 100, and from "
        "step 30 on the learning rates fall faster."
    )
    second = RECIPE.model_copy(update={"seed": 2})
    assert first.recipe_of(2) == second
    _, told = follow(kept, plan.model_copy(update={"recipe": second}), Schedule.moved(second, NewEnd(50, 120, 0.8)))
    assert told.startswith("Seed 2: A step takes 800 ms")
    after = opened(kept)
    assert [after.recipe_of(seed).steps for seed in (1, 2, 3)] == [80, 120, 100]
    assert len(after.reasons) == 3


def test_an_unfinished_training_keeps_its_name_however_its_end_moves(tmp_path: Path) -> None:
    """What was saved is found again; a training of so many steps is another one, and has the name it will have."""
    moved = with_end_moved(with_end_moved(RECIPE, 30, 80), 60, 90)
    inputs = {"tokenize": "1" * 16}
    works = [stage_work(Store(tmp_path), "train", recipe, inputs) for recipe in (RECIPE, moved)]
    minutes = deadline_seconds(RunConfig(minutes=2))
    first, later = (unfinished_work(work, recipe, minutes) for work, recipe in zip(works, (RECIPE, moved), strict=True))
    assert first.key == later.key not in {work.key for work in works}
    fixed = deadline_seconds(RunConfig.model_validate({"minutes": 2, "train": {"steps": 100}}))
    assert unfinished_work(works[0], RECIPE, fixed) == works[0]
