"""The model is the network that other programs read from its folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lm.errors import BadInput
from lm.model import fused
from lm.model.config import ModelConfig
from lm.model.decoder import Decoder, load_model, save_model
from lm.model.inference import Inference

SHAPE = ModelConfig(layers=2, width=64, heads=4, kv_heads=2, mlp_width=96, context=32)
VOCAB_SIZE = 300


def lively_model() -> Decoder:
    """A model none of whose parameters is at its (partly zero) starting value."""
    model = Decoder(SHAPE, VOCAB_SIZE).eval()
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, mean=float(name.endswith("norm.weight")), std=0.1, generator=generator)
    return model


def some_tokens(batch: int, length: int) -> torch.Tensor:
    return torch.randint(VOCAB_SIZE, (batch, length), generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_transformers_loads_the_folder_with_the_same_logits(tmp_path: Path) -> None:
    """`AutoModelForCausalLM.from_pretrained` on the folder computes what we compute."""
    transformers = pytest.importorskip("transformers")
    model = lively_model()
    save_model(tmp_path, SHAPE, VOCAB_SIZE, dict(model.named_parameters()))
    theirs, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    tokens = some_tokens(3, SHAPE.context)
    assert not any(report.values())
    torch.testing.assert_close(theirs(tokens).logits, model(tokens), atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_folder_that_transformers_wrote_loads(tmp_path: Path) -> None:
    """Weights from elsewhere, in this layout, can be evaluated and continued."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ArceeConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rms_norm_eps=1e-6,
        bos_token_id=1,
        eos_token_id=1,
        tie_word_embeddings=True,
        max_position_embeddings=32,
    )
    theirs = transformers.ArceeForCausalLM(config).eval()
    theirs.save_pretrained(tmp_path)
    tokens = some_tokens(2, 20)
    torch.testing.assert_close(load_model(tmp_path)(tokens), theirs(tokens).logits, atol=1e-4, rtol=0)


def test_training_computes_the_same_network() -> None:
    """The hand-written training path has the loss and the gradients of the plain one, to double precision."""
    model = lively_model().double()
    model.compute_dtype = torch.float64
    tokens, targets = some_tokens(3, 200), some_tokens(3, 200).roll(1)
    plain = torch.nn.functional.cross_entropy(model(tokens).double().flatten(0, 1), targets.flatten())
    trained = model.loss(tokens, targets)
    torch.testing.assert_close(trained, plain, atol=1e-7, rtol=0)
    for ours, theirs in zip(
        *(torch.autograd.grad(loss, list(model.parameters())) for loss in (trained, plain)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-7, rtol=1e-5)


def test_training_with_dropout_computes_its_own_gradient() -> None:
    """Masks leave out what they say, and the hand-written backward passes know of it: compared with differences."""
    width, batch, length = 8, 2, 5
    generator = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    x, mask = numbers(batch * length, width), (torch.rand(batch * length, width, generator=generator) < 0.7) / 0.7
    mask = mask.double()
    rotary = tuple(angle.double() for angle in fused.rotary(length, 4, 10_000.0))
    up, down, qkv, out = numbers(12, width), numbers(width, 12), numbers(3 * width, width), numbers(width, width)
    assert torch.equal((fused.mlp(x, up, down, mask, 1e-6) != x).double(), (mask > 0).double())
    assert torch.autograd.gradcheck(lambda *given: fused.mlp(*given, mask, 1e-6), (x, up, down))
    assert torch.autograd.gradcheck(lambda *given: fused.attention(*given, rotary, mask, batch, 1e-6), (x, qkv, out))


@torch.no_grad()
def test_the_cache_changes_nothing_but_speed(tmp_path: Path) -> None:
    """The model that writes is given a text in pieces of any length: its logits are those of the text at once."""
    model, tokens = lively_model(), some_tokens(3, 24)
    save_model(tmp_path, SHAPE, VOCAB_SIZE, dict(model.named_parameters()))
    writer = Inference.load(tmp_path)
    cache, expected = writer.new_cache(3), model(tokens).numpy()
    for part in torch.split(tokens, [10, 1, 1, 5, 7], dim=1):
        logits = writer.logits(part.numpy(), cache)
        np.testing.assert_allclose(logits, expected[:, cache.length - 1], atol=1e-4)
    assert cache.length == 24


@torch.no_grad()
def test_saving_and_loading_is_exact(tmp_path: Path) -> None:
    """The folder holds every bit of the weights."""
    model = lively_model()
    save_model(tmp_path, SHAPE, VOCAB_SIZE, dict(model.named_parameters()))
    loaded = load_model(tmp_path)
    assert loaded.shape == SHAPE
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))


def test_another_layout_is_refused_in_one_line(tmp_path: Path) -> None:
    """A folder of a layout that we do not compute is named as such, not computed wrongly."""
    save_model(tmp_path, SHAPE, VOCAB_SIZE, dict(lively_model().named_parameters()))
    config = json.loads((tmp_path / "config.json").read_text())
    for change in ({"model_type": "gpt2"}, {"rope_theta": 500_000.0}, {"hidden_size": 32, "head_dim": 8}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(BadInput) as refusal:
            load_model(tmp_path)
        assert "\n" not in str(refusal.value)
    with pytest.raises(BadInput):
        load_model(tmp_path / "nowhere")
