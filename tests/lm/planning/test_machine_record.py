"""What was measured of a machine is remembered until the machine or torch changes."""

from pathlib import Path

import pytest
import torch

from lm.planning import machine_record, measure_machine
from lm.planning.machine_record import keep_machine, kept_machine
from lm.store.artifacts import Store


def test_a_measurement_is_known_again_whatever_build_torch_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package index serves 2.13.0, which calls itself 2.13.0+cu130; another version or machine is measured anew."""
    monkeypatch.setattr(measure_machine, "MEASURING_SECONDS", 0.01)
    monkeypatch.setattr(torch, "__version__", f"{torch.__version__}+cu130")
    store = Store(tmp_path)
    assert kept_machine(store) is None
    keep_machine(store, measure_machine.measure())
    assert kept_machine(store)
    for name, other in (("version", "9.9"), ("cpu_name", "another"), ("usable_cores", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(machine_record, name, lambda *_, other=other: other)
            assert kept_machine(store) is None
