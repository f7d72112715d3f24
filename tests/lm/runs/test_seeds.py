"""Several seeds: their mean is the mean of their probabilities, judged and written alike, no worse on average."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm.evaluate.config import EvaluateConfig
from lm.evaluate.stage import evaluate
from lm.generate.stage import stream
from lm.model.decoder import load_model, save_model
from lm.model.ensemble import EnsembleDecoder
from lm.model.ensemble_inference import load_writer
from lm.model.sampling_params import SamplingParams
from lm.progress import silent
from lm.runs.seeds import Spread
from lm.store.files import read_json
from tests.lm.conftest import Toy

QUICK = EvaluateConfig(samples=2, sample_tokens=24, temperatures=(0.8,), resamples=100)


@pytest.fixture(scope="module")
def other(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like the toy's whose weights differ a little."""
    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(toy.model, folder, ignore=shutil.ignore_patterns("checkpoints"))
    model, generator = load_model(toy.model), torch.Generator().manual_seed(5)
    weights = {
        name: weight + 0.1 * weight.std() * torch.randn(weight.shape, generator=generator) * (weight.ndim > 1)
        for name, weight in model.state_dict().items()
    }
    save_model(folder, model.shape, model.vocab_size, weights)
    return folder


def test_the_ensemble_gives_the_mean_of_the_probabilities(toy: Toy, other: Path) -> None:
    """For judging and for writing, with a cache and without."""
    members = [load_model(toy.model), load_model(other)]
    tokens = torch.tensor([[1, 30, 41, 52], [1, 9, 300, 7]])
    with torch.no_grad():
        expected = torch.stack([member(tokens).softmax(dim=-1) for member in members]).mean(dim=0)
        ensemble = EnsembleDecoder(members)
        shares = ensemble.logits(ensemble.hidden(tokens)).exp()
    torch.testing.assert_close(shares, expected, atol=1e-6, rtol=1e-4)
    writer: Any = load_writer([toy.model, other])
    cache = writer.new_cache(2)
    writer.logits(tokens[:, :2].numpy(), cache)
    for place in (2, 3):
        logits = writer.logits(tokens[:, place : place + 1].numpy(), cache)
        np.testing.assert_allclose(np.exp(logits), expected[:, place].numpy(), atol=1e-5, rtol=1e-3)
    assert cache.length == 4


def test_the_ensemble_is_evaluated_as_a_model_is(toy: Toy, other: Path, tmp_path: Path) -> None:
    """It is no worse than its members on average (Jensen), and a model with itself is that model."""

    def bits(model: Path, *replicas: Path) -> float:
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        out.mkdir()
        evaluate(model, toy.tokens, toy.clean, toy.compressors, QUICK, out, silent, replicas=replicas)
        return float(read_json(out / "evaluation.json")["bits_per_byte"])

    alone = bits(toy.model), bits(other)
    assert alone[0] != alone[1]
    assert bits(toy.model, other) < sum(alone) / 2
    assert bits(toy.model, toy.model) == pytest.approx(alone[0], rel=1e-5)


def test_an_ensemble_writes_the_same_for_the_same_seed(toy: Toy, other: Path) -> None:
    """Byte for byte, and not what one of its models writes alone."""
    given: dict[str, Any] = {"tokens": 40, "seed": 3, "tell": lambda note: None}
    texts = ["".join(stream(toy.model, "The", SamplingParams(), replicas=[other], **given)) for _ in range(2)]
    assert texts[0] == texts[1] != "".join(stream(toy.model, "The", SamplingParams(), **given))


def test_the_deviation_is_that_of_a_sample() -> None:
    """Three seeds are a sample of all seeds: the sum of squares is divided by two."""
    row = Spread("bits per byte", (1.0, 2.0, 3.0), None)
    assert (row.mean, row.deviation) == (2.0, 1.0)
