"""A model is as sure as it has reason to be, also where it has read its text many times."""

from pathlib import Path

import pytest
import torch

from lm.model.decoder import load_model
from lm.progress import silent
from lm.tokenizer.tokens import load_stream
from lm.train.calibration import GAIN, best_temperature, calibrated
from lm.train.sample_loss import SampleLoss
from tests.lm.conftest import Toy
from tests.lm.train.test_training import training

HEART = {"steps": 600, "width": 64, "mlp_width": 256, "weight_decay": 0.0, "calibration_share": 0.9}


def test_a_model_that_is_too_sure_is_found_out(toy: Toy) -> None:
    """Logits that are 1.7 times too large are divided by so much more, and no other temperature is better."""
    model, stream = load_model(toy.model), load_stream(toy.tokens, "heldout")
    right = best_temperature(model, stream, len(stream), 8)
    gain = model.model.norm.weight.detach().clone()
    with torch.no_grad():
        model.model.norm.weight.mul_(1.7)
    assert best_temperature(model, stream, len(stream), 8) == pytest.approx(1.7 * right, rel=1e-3)
    losses = []
    for factor in (0.97, 1.0, 1.03):
        with torch.no_grad():
            model.model.norm.weight.copy_(calibrated({GAIN: gain}, factor * right)[GAIN])
        losses.append(SampleLoss(stream, model.shape.context, 8).measure(model))
    assert losses[1] < losses[0] + 1e-3 and losses[1] < losses[2] + 1e-3


def test_what_was_learned_by_heart_is_said_with_less_certainty(toy: Toy, tmp_path: Path) -> None:
    """On text that was kept back, the published model is better than the last weights, from which it has one number."""
    heart = training(toy, tmp_path / "heart", **HEART)
    heart.run_until(600, lambda: None, silent)
    facts = heart.finish()
    assert facts.temperature > 1.2
    published = load_model(tmp_path / "heart")
    last = heart.trainer.final_weights()
    for name, parameter in published.named_parameters():
        expected = last[name] / facts.temperature if name == GAIN else last[name]
        torch.testing.assert_close(parameter.data, expected, rtol=1e-4, atol=0)
    look = SampleLoss(heart.trainer.tokens, published.shape.context, 8, heart.trainer.kept_back_tokens)
    with heart.trainer.published() as model:
        before = look.measure(model)
    assert look.measure(published) < before - 0.01


def test_a_few_words_tell_nothing_of_certainty(toy: Toy, tmp_path: Path) -> None:
    """Where the share of a small text comes to less than a page, the weights are published as they are."""
    small = training(toy, tmp_path / "small", steps=3, calibration_share=1e-3)
    small.run_until(3, lambda: None, silent)
    assert small.finish().temperature == 1.0
