"""What this machine can do: measured once, in seconds, and remembered until the machine or torch changes."""

import time
from typing import Any, Literal

import numpy as np
import torch

from lm.planning.cpu import cpu_name, usable_cores
from lm.planning.probe import time_steps
from lm.training.recipe import Recipe
from lm.training.trainer import Trainer

MATRIX = 1024
MEASURING_SECONDS = 0.6
# A training like those that are planned, but with a memory that any of them needs.
SAMPLE = {"layers": 2, "width": 192, "heads": 2, "kv_heads": 2, "mlp_width": 768, "context": 128, "batch_sequences": 16}
SAMPLE_VOCAB_SIZE = 1024
SAMPLE_MICRO_BATCH = 8


def flops_per_second(dtype: torch.dtype, device: str) -> float:
    """Floating-point operations a second of square matrix products, the best of many."""
    left = torch.randn(MATRIX, MATRIX).to(device, dtype)
    right = torch.randn(MATRIX, MATRIX).to(device, dtype)
    best = float("inf")
    stop = time.perf_counter() + MEASURING_SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        for _ in range(4):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / 4)
    return 2 * MATRIX**3 / best


def training_flops_per_second(precision: Literal["bf16", "fp32"], device: str) -> float:
    """What a small training makes of that: other work than matrix products may well take most of its time."""
    recipe = Recipe(**SAMPLE, steps=1000, precision=precision, seed=1)
    tokens = np.random.default_rng(0).integers(2, SAMPLE_VOCAB_SIZE, recipe.context * 64).astype(np.uint16)
    trainer = Trainer(recipe, SAMPLE_VOCAB_SIZE, tokens, micro_batch=SAMPLE_MICRO_BATCH, device=device)
    step_flops = recipe.tokens_per_step * recipe.flops_per_token(SAMPLE_VOCAB_SIZE)
    return step_flops / time_steps(trainer, MEASURING_SECONDS)


def pick_device() -> str:
    """CUDA where there is a GPU, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def measure() -> dict[str, Any]:
    """Measure both precisions on the device that training would use."""
    device = pick_device()
    return {
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
        "cores": usable_cores(),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "fp32_flops_per_second": flops_per_second(torch.float32, device),
        "bf16_flops_per_second": flops_per_second(torch.bfloat16, device),
        "fp32_training_flops_per_second": training_flops_per_second("fp32", device),
        "bf16_training_flops_per_second": training_flops_per_second("bf16", device),
    }
