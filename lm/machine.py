"""What this machine can do: measured once, in seconds, and remembered until the machine or torch changes."""

import time
from typing import Any

import torch

from lm.cpu import cpu_name, usable_cores

MATRIX = 1024
MEASURING_SECONDS = 0.6


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
    }
