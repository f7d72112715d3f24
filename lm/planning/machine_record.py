"""What was measured of this machine, remembered until the machine or torch changes. Light: torch stays out."""

from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from lm.errors import Damaged
from lm.hardware.cores import cpu_name, usable_cores
from lm.planning.machine import Machine
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, remake_advice, write_record

FILE = "machine.json"
MEASUREMENT = 4  # counts up when other things are measured


def kept_machine(store: Store) -> Machine | None:
    """The last measurement, if it was taken on this very machine with this very torch. Raises Damaged."""
    path = store.plans / FILE
    if not path.exists():
        return None
    machine = read_machine(path)
    here = (cpu_name(), usable_cores(), version("torch"))
    return machine if machine and (machine.cpu, machine.cores, machine.torch) == here else None


def read_machine(path: Path) -> Machine | None:
    """The machine of a record; None where other things were measured. Raises Damaged."""
    record = read_json(path)
    if record.get("measurement") != MEASUREMENT:
        return None
    try:
        return Machine.model_validate(record.get("machine"))
    except ValidationError:
        raise Damaged(f"{path} holds no measurement: {remake_advice(path)}") from None


def keep_machine(store: Store, machine: Machine) -> None:
    """Remember a measurement."""
    store.plans.mkdir(parents=True, exist_ok=True)
    record = {"schema_version": SCHEMA_VERSION, "measurement": MEASUREMENT, "machine": machine.model_dump(mode="json")}
    write_record(store.plans / FILE, record)
