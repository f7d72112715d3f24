"""The same trainer on a CUDA card: it learns the same, repeats its bits, survives a kill. Skipped without a card."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm.model.config import TrainingConfig
from lm.train.trainer import Trainer
from tests.conftest import Workplace
from tests.faults.test_resume import fingerprint

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card"),
]

VOCAB_SIZE = 512
RECIPE = TrainingConfig(
    layers=2, width=128, heads=2, kv_heads=2, mlp_width=512, context=128, batch_sequences=16, steps=60,
    precision="fp32", seed=1, dropout=0.1, average_share=0.1,
)  # fmt: skip


def trainer(device: str, micro_batch: int = 16, **changes: Any) -> Trainer:
    tokens = (np.cumsum(np.random.default_rng(0).integers(1, 4, 60_000)) % VOCAB_SIZE).astype(np.uint16)
    recipe = RECIPE.model_copy(update=changes)
    return Trainer(recipe, VOCAB_SIZE, tokens, micro_batch=micro_batch, device=device)


def test_a_card_learns_what_a_processor_learns() -> None:
    """The same steps on both, in fp32: the losses agree to within rounding."""
    there, here = trainer("cuda"), trainer("cpu")
    losses = [(there.step(), here.step()) for _ in range(30)]
    assert all(a == pytest.approx(b, abs=2e-3) for a, b in losses)
    assert losses[-1][0] < losses[0][0] - 0.5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("recompute", [False, True])
def test_a_restored_run_ends_in_the_same_bits(precision: str, recompute: bool) -> None:
    """40 steps at once, and 20 steps, a new trainer and 20 more: same losses, weights and optimiser state."""
    whole, first, second = (trainer("cuda", precision=precision, recompute=recompute) for _ in range(3))
    losses = [whole.step() for _ in range(40)]
    first_losses = [first.step() for _ in range(20)]
    second.restore({name: tensor.cpu() for name, tensor in first.state().items()})
    assert first_losses + [second.step() for _ in range(20)] == losses
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in whole.state().items())


def test_a_smaller_micro_batch_learns_the_same() -> None:
    """After a downshift of memory the losses agree: same data, dropout and effective batch."""
    whole, parts = trainer("cuda", 16), trainer("cuda", 4)
    assert all(whole.step() == pytest.approx(parts.step(), abs=1e-3) for _ in range(20))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_training_on_a_card_ends_in_the_same_bytes(
    workplace: Workplace, tmp_path: Path, precision: str
) -> None:
    """The whole pipeline, kill -9 of the group in its training; the same command resumes there, the model is equal."""
    often = ("--until", "train", "--set", "checkpoint_seconds=0.4", "device=cuda")
    options = {"steps": 1500, "model": {"precision": precision, "dropout": 0.1, "average_share": 0.1}}
    process = workplace.start(*often, "--run-id", "cut", **options)
    workplace.wait_for(lambda: len(workplace.checkpoints()) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    newest = workplace.checkpoints()[-1]
    again = workplace.run(*often, "--run-id", "again", **options)
    assert again.code == 0, again.errors
    record = workplace.record("again")["stages"]["train"]
    assert record["resumed_from_step"] == newest
    manifest = json.loads((workplace.root / record["path"] / "manifest.json").read_text())
    assert manifest["numerics"]["device"] == "cuda"

    elsewhere = workplace.elsewhere(tmp_path / "whole")
    whole = elsewhere.run(*often, "--run-id", "whole", **options)
    assert whole.code == 0, whole.errors
    assert fingerprint(workplace, "again") == fingerprint(elsewhere, "whole")
