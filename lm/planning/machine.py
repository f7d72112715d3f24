"""What is known of a machine: its processor, and how fast each of its devices computes and trains. Light."""

from typing import Literal, Self

from pydantic import Field

from lm.config import StageConfig
from lm.errors import BadInput


class DeviceSpeed(StageConfig):
    """What one device reaches: at products of matrices, and at a small training."""

    card_bytes: int | None = Field(None, exclude_if=lambda value: value is None)  # of a CUDA card that are free
    fp32_flops_per_second: float  # at products of matrices
    bf16_flops_per_second: float
    fp32_training_flops_per_second: float  # at a small training
    bf16_training_flops_per_second: float

    def training_flops_per_second(self, precision: Literal["bf16", "fp32"]) -> float:
        """What a small training reaches in this precision."""
        return self.bf16_training_flops_per_second if precision == "bf16" else self.fp32_training_flops_per_second

    def with_training_speed(self, *, bf16: float, fp32: float) -> Self:
        """The same with other speeds of training."""
        return self.model_copy(update={"bf16_training_flops_per_second": bf16, "fp32_training_flops_per_second": fp32})


class Machine(StageConfig):
    """A machine as it was measured."""

    cpu: str  # its name
    threads: int  # that torch uses
    cores: int
    torch: str  # its version
    cpu_capability: str  # the vector instructions that torch uses
    devices: dict[str, DeviceSpeed]  # by name: cpu, cuda, mps

    def with_device(self, asked: str | None) -> "TrainingMachine":
        """Choose the device that is asked for, else the fastest at a small training.

        Raises BadInput where there is no such device.
        """
        if asked is not None and asked not in self.devices:
            raise BadInput(f"device: got {asked}, expected one that torch can use here: {', '.join(self.devices)}")
        chosen = asked or max(self.devices, key=lambda name: _best_speed(self.devices[name]))
        return TrainingMachine(**dict(self), **dict(self.devices[chosen]), device=chosen)


class TrainingMachine(DeviceSpeed, Machine):
    """A machine, and the device of it that trains: its figures stand beside those of the machine."""

    device: str


def _best_speed(speed: DeviceSpeed) -> float:
    return max(speed.bf16_training_flops_per_second, speed.fp32_training_flops_per_second)
