"""Tokenizers compared: at equal compute, on the same text, with intervals; interrupted, it goes on."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lm.champions.compare_models import heldout_text
from lm.errors import CannotFit
from lm.hardware.cores import cpu_name, usable_cores
from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.planning.choose import MAX_PASSES
from lm.planning.machine import DeviceSpeed, Machine
from lm.planning.machine_record import keep_machine
from lm.progress import silent
from lm.store.artifacts import Store
from lm.text.documents import read_documents
from lm.tokenizer.kinds import Kind
from lm.tokenizer_comparison import run as tokenizer_contest_run
from lm.tokenizer_comparison.comparison import Setup, Tokens, TrialScore, conclude, equal_compute
from lm.tokenizer_comparison.run import compare_tokenizers
from tests.builders import metrics_of
from tests.lm.conftest import Toy
from tests.lm.documents import write_documents

RECIPE = TrainingConfig(layers=2, width=64, heads=1, kv_heads=1, mlp_width=256, context=64, batch_sequences=8, steps=1,
                precision="fp32", seed=1)  # fmt: skip
BUDGET = Budget(bytes=2 * 2**30, source="flag")


def setup_of(flops: float) -> Setup:
    return Setup(recipe=RECIPE, vocab_size=1024, micro_batch=8, threads=1, device="cpu", flops=flops, step_seconds=0.1,
                 reasons=())  # fmt: skip


@pytest.fixture
def store(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the toy's text, where only two kinds of tokenizers are compared."""
    monkeypatch.setattr(tokenizer_contest_run, "KINDS", ("bpe", "byte"))
    store = Store(tmp_path)
    slow = DeviceSpeed(fp32_flops_per_second=2e9, bf16_flops_per_second=1e9, fp32_training_flops_per_second=2e9,
                       bf16_training_flops_per_second=1e9)  # fmt: skip
    machine = Machine(cpu=cpu_name(), threads=1, cores=usable_cores(), torch=version("torch"), cpu_capability="",
                      devices={"cpu": slow})  # fmt: skip
    keep_machine(store, machine)
    with store.writing("clean", "c" * 16) as out:
        metrics = metrics_of("clean", **write_documents(read_documents(toy.clean), out)._asdict())
        store.commit("clean", "c" * 16, config={}, inputs={}, metrics=metrics, seconds=0.0, peak_memory_bytes=None,
                     versions={})  # fmt: skip
    return store


@pytest.mark.parametrize("flops", [1e11, 1e12, 1e15])
def test_every_kind_has_the_same_compute(flops: float) -> None:
    """Operations are equal to within a step, and no kind reads its text more often than makes sense."""
    tokens: dict[Kind, Tokens] = {
        "bpe": Tokens(1024, 400_000, 2.5),
        "word": Tokens(4096, 300_000, 3.3),
        "byte": Tokens(261, 1_000_000, 1),
    }
    recipes = equal_compute(setup_of(flops), tokens)
    costs = {kind: recipe.tokens_per_step * recipe.flops_per_token(tokens[kind].vocab_size)
             for kind, recipe in recipes.items()}  # fmt: skip
    spent = [recipes[kind].steps * cost for kind, cost in costs.items()]
    assert max(spent) - min(spent) <= max(costs.values())
    assert max(spent) <= flops + max(costs.values())
    passes = [recipes[kind].steps * RECIPE.tokens_per_step / tokens[kind].train_tokens for kind in tokens]
    assert max(passes) <= MAX_PASSES + 1


def test_a_kind_is_called_worse_only_where_it_is_shown() -> None:
    """A difference that is there in every unit counts; one that chance explains does not."""
    random = np.random.default_rng(1)
    sizes = np.full(60, 1000.0)
    base = random.normal(1500, 200, 60)
    nats: dict[Kind, npt.NDArray[np.float64]] = {
        "bpe": base,
        "unigram": base + random.normal(2, 30, 60),
        "char": base + 100,
    }
    scores: dict[Kind, TrialScore] = {
        kind: TrialScore(nats=tuple(values), unit="document", unit_bytes=tuple(map(int, sizes)), parameters=1,
                         passes=1.0, seconds=1.0)
        for kind, values in nats.items()
    }  # fmt: skip
    trials = conclude(scores, dict.fromkeys(nats, Tokens(1, 1, 1.0)), dict.fromkeys(nats, RECIPE), sizes)
    assert [trial.kind for trial in trials] == ["bpe", "unigram", "char"]
    assert [trial.is_level for trial in trials] == [True, True, False]
    assert trials[2].minus_best == pytest.approx(0.1 / np.log(2))
    assert trials[2].minus_best_ci95 == pytest.approx((0.1 / np.log(2),) * 2)


def test_a_comparison_goes_on_where_it_was_interrupted(store: Store) -> None:
    """Ctrl-C while the second model trains: the first is not made again; only the result stays."""
    clean = store.list("clean")[0]

    def interrupt(done: float, total: float | None, unit: str, note: str = "") -> None:
        if note.startswith("byte: step"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_tokenizers(store, clean, 0.05, BUDGET, interrupt, lambda note: None)
    (partial,) = (store.root / "artifacts/tokenizers").glob(".*.partial")
    first = (partial / "bpe/result.json").read_bytes()
    seen = list[str]()
    contest = compare_tokenizers(
        store, clean, 0.05, BUDGET, lambda done, total, unit, note="": seen.append(note), lambda note: None
    )
    assert not any(note.startswith("bpe: step") for note in seen)
    folder = store.root / "artifacts/tokenizers" / contest.key
    assert sorted(file.name for file in folder.iterdir()) == ["bpe.model", "byte.model", "comparison.json"]
    bpe = next(trial for trial in contest.trials if trial.kind == "bpe")
    kept = json.loads(first)
    assert bpe.bits_per_byte == pytest.approx(sum(kept["nats"]) / sum(kept["unit_bytes"]) / np.log(2))
    assert contest.heldout_bytes == sum(len(text.encode()) for text in heldout_text(clean.path).texts)
    assert compare_tokenizers(store, clean, 0.05, BUDGET, silent, lambda note: None) == contest
    assert store.list("train") == [], "these are no models to write with"


def test_too_small_a_budget_is_refused_before_anything_is_made(store: Store) -> None:
    """The message names the option that helps."""
    with pytest.raises(CannotFit, match="--memory"):
        compare_tokenizers(store, store.list("clean")[0], 0.05, Budget(bytes=2**28, source="flag"), silent, print)


def test_the_command_names_what_it_cannot_find(tmp_path: Path) -> None:
    """One line where there is no clean text, or no such run."""
    for arguments, says in (([], "no clean text yet"), (["nobody"], "nothing called nobody")):
        done = subprocess.run(
            [sys.executable, "-m", "lm", "compare-tokenizers", *arguments],
            env=os.environ | {"SLOWBURN_ROOT": str(tmp_path)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
