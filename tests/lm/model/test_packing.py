"""Several models leave as one: the same layout, the mean of their logits, nothing of one mixed with another."""

from collections.abc import Sequence

import pytest
import torch

from lm.errors import BadInput
from lm.model.config import ModelConfig
from lm.model.decoder import Decoder
from lm.model.packing import pack

SHAPE = ModelConfig(layers=2, width=32, heads=4, kv_heads=2, mlp_width=48, context=16)
VOCAB_SIZE = 50


def member(seed: int, shape: ModelConfig = SHAPE) -> Decoder:
    """A model whose every part does something."""
    model = Decoder(shape, VOCAB_SIZE)
    model.initialise(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.normal_(std=0.2, generator=generator)
            if weight.ndim == 1:
                weight.uniform_(0.5, 1.5, generator=generator)
    return model.eval()


def logits(models: Sequence[Decoder], tokens: torch.Tensor) -> list[torch.Tensor]:
    """Of each model."""
    with torch.inference_mode():
        return [model(tokens) for model in models]


def text(seed: int) -> torch.Tensor:
    """Token ids (B, T)."""
    return torch.randint(0, VOCAB_SIZE, (8, SHAPE.context), generator=torch.Generator().manual_seed(seed))


def test_a_model_packed_with_itself_is_that_model() -> None:
    """Streams of one size share a norm without loss: the logits are those of the model."""
    one = member(1)
    (alone, packed) = logits([one, pack([one, one, one], text(1))], text(2))
    torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-4)


def test_packed_logits_are_nearly_the_mean_of_the_members() -> None:
    """Only the shared norms differ: nearer to the mean than to any member."""
    members = [member(seed) for seed in (1, 2, 3)]
    *each, packed = logits([*members, pack(members, text(1))], text(2))
    mean = torch.stack(each).mean(dim=0)
    away = (packed - mean).square().mean().sqrt()
    assert away < 0.5 * min((packed - alone).square().mean().sqrt() for alone in each)


def test_packed_is_nine_times_as_large_and_mostly_zero() -> None:
    """Three members: three times as wide, matrices block-diagonal."""
    packed = pack([member(seed) for seed in (1, 2, 3)], text(1))
    query = packed.model.layers[0].self_attn.q_proj.weight
    assert packed.shape.width == 3 * SHAPE.width
    assert packed.shape.head_width == SHAPE.head_width
    assert (query == 0).float().mean() == pytest.approx(2 / 3, abs=0.01)


def test_members_of_different_shapes_are_refused() -> None:
    """One line that says what was got."""
    wider = SHAPE.model_copy(update={"mlp_width": 64})
    with pytest.raises(BadInput, match="different shapes"):
        pack([member(1), member(1, wider)], text(1))
