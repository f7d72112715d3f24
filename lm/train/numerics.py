"""What may change the last bits of a training without being part of its key."""

from typing import TypedDict

import torch


class Numerics(TypedDict):
    """How a process calculates."""

    threads: int
    torch: str  # version
    cpu_capability: str
    device: str
    compiled: bool


def numerics(device: str) -> Numerics:
    """Describe how this process calculates on a device."""
    return {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "compiled": False,
    }
