"""What was measured of this machine, remembered until the machine or torch changes. Light: torch stays out."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from lm.errors import BadInput
from lm.hardware.cores import cpu_name, usable_cores
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, write_json

FILE = "machine.json"
MEASUREMENT = 4  # counts up when other things are measured


def kept_machine(store: Store) -> dict[str, Any] | None:
    """The last measurement, if it was taken on this very machine with this very torch."""
    path = store.plans / FILE
    if not path.exists():
        return None
    record = read_json(path)
    if record.get("measurement") != MEASUREMENT:
        return None
    machine: dict[str, Any] = record["machine"]
    same = machine["cpu"] == cpu_name() and machine["cores"] == usable_cores() and machine["torch"] == version("torch")
    return machine if same else None


def known_machine(store: Store, measure: Callable[[], dict[str, Any]], device: str | None = None) -> dict[str, Any]:
    """What is known of this machine; where nothing is, what `measure` finds, which is remembered.

    Raises BadInput where it has no such device.
    """
    machine = kept_machine(store)
    if machine is None:
        machine = measure()
        keep_machine(store, machine)
    return with_device(machine, device)


def with_device(machine: dict[str, Any], device: str | None) -> dict[str, Any]:
    """A measurement with the figures of one device on top: of that asked for, else the fastest at a small training.

    Raises BadInput where there is no such device.
    """
    measured: dict[str, dict[str, float]] = machine["devices"]
    if device is not None and device not in measured:
        raise BadInput(f"device: got {device}, expected one that torch can use here: {', '.join(measured)}")
    chosen = device or max(measured, key=lambda name: _training_speed(measured[name]))
    return machine | measured[chosen] | {"device": chosen}


def _training_speed(figures: dict[str, float]) -> float:
    return max(figures["bf16_training_flops_per_second"], figures["fp32_training_flops_per_second"])


def keep_machine(store: Store, machine: dict[str, Any]) -> None:
    """Remember a measurement."""
    store.plans.mkdir(parents=True, exist_ok=True)
    write_json(store.plans / FILE, {"schema_version": SCHEMA_VERSION, "measurement": MEASUREMENT, "machine": machine})
