"""What `make bench-training` measures, apart from the clock."""

import math

import numpy as np
import pytest
import torch

from benchmarks.gpt2_peer import CODE_POINTS, Characters, Peer, nats_of, tuned
from benchmarks.step_parts import step_parts
from benchmarks.training_table import print_table
from lm.model.config import TrainingConfig
from lm.tokenizer.special_tokens import UNKNOWN_ID
from lm.train.trainer import Trainer

RECIPE = TrainingConfig(
    layers=1, width=64, heads=2, kv_heads=1, mlp_width=128, context=16, batch_sequences=4, steps=60, precision="fp32",
    seed=1,
)  # fmt: skip


def test_every_part_of_a_step_is_timed() -> None:
    """No part is left to the rest because the trainer now does it elsewhere."""
    tokens = np.random.default_rng(0).integers(2, 300, 2000).astype(np.uint16)
    parts = step_parts(Trainer(RECIPE, 300, tokens, micro_batch=2), "cpu")
    assert set(parts) == {"data", "forward and backward", "clipping", "optimiser", "rest", "step"}
    assert all(seconds > 0 for seconds in parts.values())
    assert sum(parts.values()) == pytest.approx(2 * parts["step"])


def test_the_peer_pays_for_every_character() -> None:
    """A network that knows nothing spends about ln(vocabulary) on each, and names a character it never met."""
    characters = Characters(["one document\n", "and another\n"])
    assert characters.encode("née").tolist().count(UNKNOWN_ID) == 1
    model = Peer(tuned(50_000, characters.vocab_size), torch.zeros(0), characters.vocab_size, "cpu").new_model()
    plain, foreign = (nats_of(model, characters, [text * 100]) for text in ("one note", "one né"))
    assert plain / 800 == pytest.approx(math.log(characters.vocab_size), rel=0.1)
    assert foreign - 100 * math.log(CODE_POINTS) == pytest.approx(600 * math.log(characters.vocab_size), rel=0.1)


@pytest.mark.parametrize("parameters", [320_000, 2_200_000, 11_000_000])
def test_the_peer_is_of_about_the_same_size(parameters: int) -> None:
    """Within an eighth, as the network itself counts them."""
    model = Peer(tuned(parameters, 67), torch.zeros(0), 67, "cpu").new_model()
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(parameters, rel=0.125)


def test_the_table_has_a_line_for_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Both networks, the baselines, the peak, the parts of a step and the checkpoints, with ratios over Slowburn's."""
    row = {
        "settings": {"layers": 4, "width": 192, "precision": "bf16", "steps": 500}, "parameters": 2_000_000,
        "seconds": 60.0, "nats_per_byte": 1.4, "heldout_bytes": 1000, "tokens_per_second": 20_000.0,
        "bytes_per_second": 50_000.0, "flops_per_token": 10**7,
    }  # fmt: skip
    figures = {
        "corpus": "/somewhere/book.txt", "threads": 2, "train_bytes": 9000, "split": "contiguous", "slowburn": row,
        "peers": {"tuned": row | {"nats_per_byte": 2.1, "bytes_per_second": 25_000.0}}, "baselines": {"5-gram": 1.68},
        "checkpoint_seconds": 15.0, "checkpoint_bytes": 10**7, "heldout_looks": 20, "tokens_per_step": 2048,
        "machine": {"cpu": "a CPU", "torch": "2", "device": "cpu", "bf16_flops_per_second": 1e12,
                    "fp32_flops_per_second": 1e11},
        "step_seconds": 0.1, "parts": {"data": 0.01, "rest": 0.09}, "save_seconds": 0.15, "look_seconds": 0.03,
    }  # fmt: skip
    print_table(figures)
    lines = capsys.readouterr().out.splitlines()
    trainer = next(line for line in lines if line.startswith("Hugging Face Trainer"))
    assert "1.500" in trainer
    assert " 0.50 " in trainer
    assert next(line for line in lines if line.startswith("5-gram")).endswith("1.200")
    for phrase in ("book.txt: 9,000 bytes", "20.5%", "data", "0.99%", "1.00%"):
        assert any(phrase in line for line in lines), phrase
