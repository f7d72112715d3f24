"""Training does what the plan says, and goes on after an interruption as if there had been none."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.errors import BadInput
from lm.model.config import TrainingConfig, as_planned, with_end_moved
from lm.tokenizer.merge_table import MergeTable
from lm.train import muon
from lm.train.batches import Batches
from lm.train.optimiser import lr_multiplier
from lm.train.sample_loss import SampleLoss
from lm.train.trainer import Trainer

VOCAB_SIZE = 64


def toy_recipe(**changes: Any) -> TrainingConfig:
    fields = {
        "layers": 2, "width": 32, "heads": 2, "kv_heads": 1, "mlp_width": 48, "context": 16, "batch_sequences": 4,
        "steps": 20, "precision": "fp32", "seed": 3,
    }  # fmt: skip
    return TrainingConfig(**(fields | changes))


def toy_tokens(count: int = 4000) -> np.ndarray:
    """A stream with something to learn: every token is the one before plus 1, 2 or 3."""
    return (np.cumsum(np.random.default_rng(0).integers(1, 4, count)) % VOCAB_SIZE).astype(np.uint16)


def toy_spellings() -> MergeTable:
    """Every token is its number in digits, made of two where there are two."""
    return MergeTable(((token, str(token), -token) for token in range(VOCAB_SIZE)), VOCAB_SIZE)


def make_trainer(recipe: TrainingConfig, micro_batch: int = 4) -> Trainer:
    return Trainer(recipe, VOCAB_SIZE, toy_tokens(), micro_batch=micro_batch, merge_table=toy_spellings())


def copied(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.items()}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("micro_batch", [4, 2])
def test_a_restored_run_ends_in_the_same_bits(precision: str, micro_batch: int) -> None:
    """20 steps at once, and 10 steps, a new trainer and 10 more: same losses, same weights, same optimiser state."""
    recipe = toy_recipe(precision=precision, dropout=0.2, merge_dropout=0.1, average_share=0.25)
    whole, first = make_trainer(recipe, micro_batch), make_trainer(recipe, micro_batch)
    losses = [whole.step() for _ in range(20)]
    first_losses = [first.step() for _ in range(10)]
    second = make_trainer(recipe, micro_batch)
    second.restore(copied(first.state()))
    assert second.step_index == 10
    assert first_losses + [second.step() for _ in range(10)] == losses
    assert whole.state().keys() == second.state().keys()
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in whole.state().items())
    assert all(torch.equal(tensor, second.final_weights()[name]) for name, tensor in whole.final_weights().items())


def test_a_smaller_micro_batch_learns_the_same() -> None:
    """After a memory downshift the losses agree: same data, dropout and effective batch, other rounding."""
    recipe = toy_recipe(muon_rate=0.01, dropout=0.2, merge_dropout=0.1)
    whole, parts = make_trainer(recipe, 4), make_trainer(recipe, 1)
    losses = [(whole.step(), parts.step()) for _ in range(20)]
    assert all(a == pytest.approx(b, abs=1e-3) for a, b in losses)


def test_the_published_weights_are_an_average() -> None:
    """They differ from the last step's, and looking at them changes nothing."""
    trainer, plain = make_trainer(toy_recipe(average_share=0.5, steps=60)), make_trainer(toy_recipe(steps=60))
    windows = SampleLoss(toy_tokens(500), 16, 4)
    for _ in range(60):
        assert trainer.step() == plain.step()
        with trainer.published() as model:
            averaged_loss = windows.measure(model)
    assert averaged_loss != windows.measure(trainer.model)
    assert windows.measure(trainer.model) == windows.measure(plain.model)
    for name, parameter in plain.model.named_parameters():
        assert not torch.equal(trainer.final_weights()[name], parameter)


def test_computing_layers_again_changes_no_bit() -> None:
    """Less memory for more time: the weights and the optimiser's state are those of a training that keeps all."""
    recipe = toy_recipe(precision="bf16", dropout=0.2)
    kept = make_trainer(recipe)
    again = make_trainer(recipe.model_copy(update={"recompute": True}))
    assert [kept.step() for _ in range(10)] == [again.step() for _ in range(10)]
    assert all(torch.equal(tensor, again.state()[name]) for name, tensor in kept.state().items())


def test_it_learns() -> None:
    """The loss falls from that of a guess towards the text's own uncertainty."""
    trainer = make_trainer(toy_recipe(steps=150))
    losses = [trainer.step() for _ in range(150)]
    assert losses[0] == pytest.approx(np.log(VOCAB_SIZE), abs=0.5)
    assert losses[-1] < 2.0


def test_the_state_of_another_model_is_refused() -> None:
    """A checkpoint that does not fit is named, before anything is overwritten."""
    trainer = make_trainer(toy_recipe())
    with pytest.raises(BadInput, match="belongs to another model"):
        trainer.restore(make_trainer(toy_recipe(width=64)).state())


@settings(max_examples=50, deadline=None)
@given(st.integers(20, 400), st.integers(0, 50), st.integers(1, 16), st.integers(1, 9), st.integers(0, 99))
def test_an_epoch_shows_every_window_once(
    count: int, kept_back: int, context: int, batch_sequences: int, seed: int
) -> None:
    """No window is repeated before all were seen, whatever the batch; later batches never depend on earlier calls.

    What is kept back is never seen.
    """
    tokens = np.arange(kept_back + count)
    batches = Batches(tokens, kept_back, context, batch_sequences, seed)
    steps = batches.windows // batch_sequences
    if steps:
        seen = np.concatenate([batches.at(step) for step in range(steps)])
        assert len(np.unique(seen[:, 0])) == len(seen)
        assert (np.diff(seen, axis=1) == 1).all()
        assert seen.min() >= kept_back
    fresh = Batches(tokens, kept_back, context, batch_sequences, seed)
    assert (fresh.at(steps + 7) == batches.at(steps + 7)).all()


def test_a_text_shorter_than_one_sequence_is_refused() -> None:
    """Three lines of text cannot fill a window: said plainly, with what to do."""
    with pytest.raises(BadInput, match=r"10 tokens.*use more text"):
        Batches(np.arange(10), 0, 16, 4, 0)


def test_the_rates_rise_and_fall_to_zero() -> None:
    """The schedule depends on the step and the number of steps alone."""
    shares = [lr_multiplier(step, toy_recipe(steps=100, warmup=0.1)) for step in range(100)]
    assert max(shares) == 1.0
    assert shares.index(1.0) in (9, 10)
    assert shares[0] == pytest.approx(0.1)
    assert shares[-1] < 0.02


def test_rates_fall_to_the_end_wherever_it_is_moved() -> None:
    """Nothing changes before a move; after it the rates fall from where they were to zero, without a jump."""
    planned = toy_recipe(steps=100, warmup=0.1)
    once = with_end_moved(planned, 40, 70)
    twice = with_end_moved(once, 50, 90)
    shares = [lr_multiplier(step, twice) for step in range(90)]
    assert shares[:40] == [lr_multiplier(step, planned) for step in range(40)]
    assert shares[:50] == [lr_multiplier(step, once) for step in range(50)]
    falls = [before - after for before, after in pairwise(shares[10:])]
    assert all(0 < fall < 0.03 for fall in falls)
    assert falls[5] < falls[35] > falls[70]
    assert shares[-1] < 0.03
    assert as_planned(twice) == as_planned(planned) == planned


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.02), (torch.float32, 0.1)])
def test_muon_is_that_of_torch(dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices of several shapes, tall, square and wide, move as torch's own Muon moves them, but for rounding, where
    both take the same polynomials.
    """
    monkeypatch.setattr(muon, "POLYNOMIALS", ((3.4445, -4.7750, 2.0315),) * 5)  # torch's own
    monkeypatch.setattr(muon, "SAFETY", 1.0)
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 8), (24, 8), (8, 24), (8, 8)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    ours, theirs = ([torch.nn.Parameter(tensor.clone()) for tensor in start] for _ in range(2))
    fast = muon.BatchedMuon(ours, momentum=0.95, weight_decay=0.3, dtype=dtype)
    plain = torch.optim.Muon(theirs, momentum=0.95, weight_decay=0.3)
    for rate in (0.05, 0.02, 0.01):
        for ours_one, theirs_one in zip(ours, theirs, strict=True):
            ours_one.grad = torch.randn(ours_one.shape, generator=generator)
            theirs_one.grad = ours_one.grad.clone()
        for optimiser in (fast, plain):
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()  # type: ignore[no-untyped-call]  # torch wraps it in what has no types
    for before, ours_one, theirs_one in zip(start, ours, theirs, strict=True):
        moved, expected = ours_one.detach() - before, theirs_one.detach() - before
        assert float((moved - expected).norm()) < tolerance * float(expected.norm())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (192, 768)])
@pytest.mark.parametrize("largest_share", [0.12, 0.5, 1.0])
def test_muon_gives_every_direction_about_the_same_length(
    dtype: torch.dtype, shape: tuple[int, int], largest_share: float
) -> None:
    """Singular values from a hundredth of the whole to nearly all of it come to between 0.7 and 1.3, in bf16 too, and
    directions stay what they were.
    """
    generator = torch.Generator().manual_seed(0)
    rows, columns = shape
    left = torch.linalg.qr(torch.randn(rows, rows, generator=generator))[0]
    right = torch.linalg.qr(torch.randn(columns, rows, generator=generator))[0]
    lengths = torch.linspace(0.012, 0.05, rows)
    lengths[0] = largest_share
    made = 1e-3 * (left * (lengths / lengths.norm())) @ right.t()
    moved = muon.orthogonalised(made[None].to(dtype))[0].float()
    lengths_now = torch.linalg.svdvals(moved)
    assert lengths_now.max() < 1.3
    assert lengths_now[lengths / lengths.norm() >= 0.01].min() > 0.7
    symmetric = moved @ made.t()
    assert (symmetric - symmetric.t()).norm() < 0.02 * symmetric.norm()
