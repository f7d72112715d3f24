"""The plan believes what a trial shows rather than what this machine was known for."""

from pathlib import Path
from typing import Any

import pytest

from lm.errors import BadInput, OutOfMemory
from lm.memory.budget import Budget, required_budget
from lm.model.config import TrainingConfig
from lm.planning.candidates import candidates, choose
from lm.planning.machine import DeviceSpeed, Machine, TrainingMachine
from lm.planning.measure_machine import has_bf16
from lm.planning.plan import Plan, make_plan
from lm.planning.training_text import TrainingText
from lm.planning.trial_result import TrialResult
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from lm.train.memory import floor_bytes, predict_trial

BUDGET = Budget(bytes=8 * 2**30, source="flag")
CPU_FLAGS = Path("/proc/cpuinfo")
FIGURES = ("bf16_flops_per_second", "fp32_flops_per_second", "bf16_training_flops_per_second",
           "fp32_training_flops_per_second")  # fmt: skip


def machine_of(**speeds: float) -> Machine:
    devices = {device: DeviceSpeed(**dict.fromkeys(FIGURES, speed)) for device, speed in speeds.items()}
    return Machine(cpu="made up", threads=1, cores=1, torch="2", cpu_capability="AVX2", devices=devices)


@pytest.fixture
def clean(toy_store: Store) -> Artifact:
    found = toy_store.find("clean", "1" * 16)
    assert found
    return found


def plan_of(place: Path, clean: Artifact, known: float, real: float, **config: Any) -> Plan:
    """The plan where the machine is known for one speed and trials come to another."""

    def trial(recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> TrialResult:
        seconds = recipe.tokens_per_step * recipe.flops_per_token(vocab_size) / real
        return TrialResult(step_seconds=seconds, checkpoint_bytes=1000, peak_memory_bytes=500 * 2**20)

    settings, store = RunConfig.model_validate({"minutes": 5} | config), Store(place / f"{known:g}")
    return make_plan(store, settings, clean, BUDGET, lambda: machine_of(cpu=known).with_device(None), trial, dict)


@pytest.mark.parametrize("known", [2e9, 5e11])
def test_a_machine_that_was_misjudged_gets_the_model_that_suits_it(
    tmp_path: Path, clean: Artifact, known: float
) -> None:
    """It was busy when it was measured, or is now: the model is that of the speed which trials reach, and says so."""
    corrected, honest = plan_of(tmp_path, clean, known, 5e10), plan_of(tmp_path, clean, 5e10, 5e10)
    assert corrected.recipe == honest.recipe
    assert corrected.vocab_size == honest.vocab_size
    assert any("another model was chosen" in reason for reason in corrected.reasons)
    assert not any("another model was chosen" in reason for reason in honest.reasons)


def test_a_shape_asked_for_is_tried_once(tmp_path: Path, clean: Artifact) -> None:
    """Where no other model can come of it, the surprise changes the steps alone."""
    shape = {"layers": 2, "width": 128, "heads": 2, "kv_heads": 2, "mlp_width": 512}
    plan = plan_of(tmp_path, clean, 3e9, 6e10, train=shape, tokenize={"vocab_size": 600})
    assert not any("another model was chosen" in reason for reason in plan.reasons)


def plan_within(
    place: Path, clean: Artifact, budget: Budget, low: dict[bool, float]
) -> tuple[Plan, list[TrainingConfig]]:
    """The plan with time and text to spare, and what was tried for it.

    `low`: by how much is predicted too little, of trainings that compute their layers again and of others.
    """
    tried = list[TrainingConfig]()

    def trial(recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> TrialResult:
        tried.append(recipe)
        predicted = predict_trial(recipe, vocab_size, micro_batch)
        floor = floor_bytes("cpu", recipe.precision)
        peak = int(floor + low[recipe.recompute] * (predicted - floor))
        if peak > budget.bytes:
            raise OutOfMemory("too much", peak, ours=True)
        seconds = recipe.tokens_per_step * recipe.flops_per_token(vocab_size) / 2e11
        return TrialResult(step_seconds=seconds, checkpoint_bytes=1000, peak_memory_bytes=peak)

    plenty = clean.manifest.model_copy(update={"metrics": clean.manifest.metrics | {"train_bytes": 2 * 10**9}})
    text = clean.model_copy(update={"manifest": plenty})
    machine = machine_of(cpu=2e11).with_device(None)
    plan = make_plan(Store(place), RunConfig(minutes=30_000), text, budget, lambda: machine, trial, dict)
    return plan, tried


@pytest.mark.parametrize("megabytes", [520, 700, 900])
@pytest.mark.parametrize("low", [1.1, 1.3, 1.6])
def test_a_prediction_that_was_too_low_is_learnt_from(
    tmp_path: Path, clean: Artifact, megabytes: int, low: float
) -> None:
    """In a small budget, where trainings take more than was predicted, a plan that fits is found in a few trials."""
    budget = Budget(bytes=megabytes * 10**6, source="flag")
    plan, tried = plan_within(tmp_path, clean, budget, {True: low, False: low})
    assert len(tried) <= 4
    assert required_budget(plan.predicted_memory_bytes) <= budget.bytes


def test_a_model_whose_trial_does_not_fit_is_computed_again_before_a_smaller_one_is_taken(
    tmp_path: Path, clean: Artifact
) -> None:
    """That it should have fitted with all its activations kept does not cost a model its place."""
    easy, _ = plan_within(tmp_path / "easy", clean, Budget(bytes=4 * 10**9, source="flag"), {True: 1.0, False: 1.0})
    needed = required_budget(predict_trial(easy.recipe, easy.vocab_size, easy.micro_batch))
    tight = Budget(bytes=int(needed * 1.02), source="flag")
    plan, tried = plan_within(tmp_path / "tight", clean, tight, {True: 1.0, False: 2.0})
    assert not tried[0].recompute and tried[0].parameters(8192) == easy.recipe.parameters(8192)
    assert plan.recipe.recompute
    assert plan.recipe.parameters(8192) == easy.recipe.parameters(8192)


def test_a_third_of_the_time_is_not_given_for_a_little_more_model(tmp_path: Path, clean: Artifact) -> None:
    """Where a model nearly fits, a slightly smaller one is better than the same with its layers computed again."""
    easy, _ = plan_within(tmp_path / "easy", clean, Budget(bytes=4 * 10**9, source="flag"), {True: 1.0, False: 1.0})
    needed = required_budget(predict_trial(easy.recipe, easy.vocab_size, easy.recipe.batch_sequences))
    tight = Budget(bytes=int(needed * 0.98), source="flag")
    plan, _ = plan_within(tmp_path / "tight", clean, tight, {True: 1.0, False: 1.0})
    assert not plan.recipe.recompute
    assert plan.recipe.parameters(8192) > 0.85 * easy.recipe.parameters(8192)


@pytest.mark.parametrize("minutes", [0.2, 0.5, 1, 2, 4, 30])
def test_with_memory_to_spare_the_model_for_the_time_is_taken(minutes: float) -> None:
    """Also where its width was asked for, and a model for less time would have more layers."""
    config = RunConfig.model_validate({"minutes": minutes, "train": {"width": 256, "heads": 2, "kv_heads": 2}})
    machine = machine_of(cpu=6e10).with_device(None)
    best = next(candidates(config, TrainingText(1_000_000), machine))
    assert choose(config, TrainingText(1_000_000), BUDGET, machine).recipe == best.recipe


def test_training_runs_on_what_is_fastest_or_asked_for() -> None:
    """A GPU is taken where it trains faster, not because it is there; one that is not there is refused by name."""
    machine = machine_of(cpu=2e10, cuda=5e11)
    assert machine.with_device(None).device == "cuda"
    assert machine.with_device("cpu").training_flops_per_second("fp32") == 2e10
    assert machine_of(cpu=2e10, mps=1e10).with_device(None).device == "cpu"
    with pytest.raises(BadInput, match="device: got mps, expected one that torch can use here: cpu, cuda"):
        machine.with_device("mps")


@pytest.mark.skipif(not CPU_FLAGS.exists(), reason="reads what Linux says of the processor")
def test_bf16_is_a_matter_of_instructions() -> None:
    """However busy the machine is when it is measured: made of other instructions, bf16 never looks fast."""
    flags = set(CPU_FLAGS.read_text().split())
    assert has_bf16("cpu") == bool(flags & {"amx_bf16", "avx512_bf16", "bf16"})


def test_plans_and_measurements_keep_their_fields() -> None:
    """What earlier versions wrote is read: the figures of the device that trains stand beside the machine's own."""
    cpu = dict.fromkeys(FIGURES, 1e9)
    cuda = {"card_bytes": 2**30} | dict.fromkeys(FIGURES, 1e12)
    measured: dict[str, Any] = {"cpu": "a CPU", "threads": 2, "cores": 2, "torch": "2", "cpu_capability": "AVX2",
                "devices": {"cuda": cuda, "cpu": cpu}}  # fmt: skip
    machine = Machine.model_validate(measured)
    assert machine.model_dump(mode="json") == measured
    for device, figures in measured["devices"].items():
        kept = measured | figures | {"device": device}
        assert machine.with_device(device).model_dump(mode="json") == kept
        assert TrainingMachine.model_validate(kept) == machine.with_device(device)
