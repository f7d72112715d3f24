"""What this machine can do: measured once, in seconds, and remembered until the machine or torch changes."""

import time
from importlib.metadata import version
from typing import Literal

import numpy as np
import torch

from lm.hardware.cores import cpu_name, usable_cores
from lm.model.config import TrainingConfig
from lm.planning.machine import DeviceSpeed, Machine
from lm.planning.probe import time_steps
from lm.train.trainer import Trainer

MATRIX, SMALL_MATRIX = 1024, 128
PRODUCTS = 4  # between two looks at the clock
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")  # as torch names them: Intel's and AMD's, and ARM's
MEASURING_SECONDS = 0.6
# Trainings like those that are planned: on a CPU with a memory that any of them needs, on a GPU enough to fill it.
SAMPLE = {"layers": 2, "width": 192, "heads": 2, "kv_heads": 2, "mlp_width": 768, "context": 128, "batch_sequences": 16}
GPU_SAMPLE = {
    "layers": 6, "width": 512, "heads": 4, "kv_heads": 4, "mlp_width": 2048, "context": 256, "batch_sequences": 32,
}  # fmt: skip
SAMPLE_VOCAB_SIZE = 1024
SAMPLE_MICRO_BATCH = 8


def flops_per_second(dtype: torch.dtype, device: str, size: int = MATRIX) -> float:
    """Floating-point operations a second of products of square matrices, the best of many."""
    left, right = (torch.randn(size, size).to(device, dtype) for _ in range(2))
    best = float("inf")
    stop = time.perf_counter() + MEASURING_SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / PRODUCTS)
    return 2 * size**3 / best


def training_flops_per_second(precision: Literal["bf16", "fp32"], device: str) -> float:
    """What a small training makes of that: other work than matrix products may well take most of its time."""
    sample = SAMPLE if device == "cpu" else GPU_SAMPLE
    recipe = TrainingConfig(**sample, steps=1000, precision=precision, seed=1)
    tokens = np.random.default_rng(0).integers(2, SAMPLE_VOCAB_SIZE, recipe.context * 64).astype(np.uint16)
    trainer = Trainer(recipe, SAMPLE_VOCAB_SIZE, tokens, micro_batch=SAMPLE_MICRO_BATCH, device=device)
    step_flops = recipe.tokens_per_step * recipe.flops_per_token(SAMPLE_VOCAB_SIZE)
    return step_flops / time_steps(trainer, MEASURING_SECONDS)


def devices() -> list[str]:
    """What training could run on: CUDA and Apple's GPUs where there are any, and the CPU."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [device for device, there in found.items() if there]


def measure() -> Machine:
    """Measure both precisions on every device there is."""
    return Machine(
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
        cores=usable_cores(),
        torch=version("torch"),  # as `kept_machine` asks for it: torch itself may add its build, such as +cu130
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        devices={device: _measure_device(device) for device in devices()},
    )


def has_bf16(device: str) -> bool:
    """Whether the device has instructions for bf16; torch makes it up of others where not, a hundred times slower."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    return any(torch.cpu.get_capabilities().get(name) for name in BF16_INSTRUCTIONS)


def _measure_device(device: str) -> DeviceSpeed:
    """Both precisions; bf16 without instructions is far too slow to be tried, and is estimated by small products."""
    products, training = flops_per_second(torch.float32, device), training_flops_per_second("fp32", device)
    card_bytes = torch.cuda.mem_get_info()[0] if device == "cuda" else None
    if has_bf16(device):
        bf16_products = flops_per_second(torch.bfloat16, device)
        bf16_training = training_flops_per_second("bf16", device)
    else:
        bf16_products = min(products, flops_per_second(torch.bfloat16, device, SMALL_MATRIX))
        bf16_training = training * bf16_products / products
    return DeviceSpeed(
        card_bytes=card_bytes,
        fp32_flops_per_second=products,
        bf16_flops_per_second=bf16_products,
        fp32_training_flops_per_second=training,
        bf16_training_flops_per_second=bf16_training,
    )
