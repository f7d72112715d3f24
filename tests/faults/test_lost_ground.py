"""The ground goes from under a run: a full disk, a root that is removed, a kill at the last moment."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lm.inspection.verify import verify
from lm.planning.machine import Machine
from lm.planning.machine_record import keep_machine
from lm.store.artifacts import Store
from tests.conftest import Workplace
from tests.faults.test_corruption import copy_of

LARGER = {"width": 256, "heads": 4, "mlp_width": 1024}  # a checkpoint of some megabytes


@pytest.fixture
def small_disk(tmp_path: Path, tiny_corpus: Path, machine: Machine) -> Iterator[Workplace]:
    """A root on a file system of its own, which a few checkpoints fill."""
    root = tmp_path / "disk"
    root.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system, on Linux")
    mount = ["mount", "-t", "tmpfs", "-o", "size=36m", "tmpfs", str(root)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr}")
    try:
        keep_machine(Store(root), machine)
        outside = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        yield Workplace(root, tiny_corpus, outside | {"SLOWBURN_ROOT": str(root)})
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def test_a_disk_that_fills_while_a_checkpoint_is_written(small_disk: Workplace) -> None:
    """What was full and what to do is said, the code is 75, the checkpoint before is whole; with room it goes on."""
    often = ("--without-prefect", "--until", "train", "--set", "checkpoint_seconds=0.1")
    stopped = small_disk.run(*often, steps=400, model=LARGER)
    assert stopped.code == 75, stopped
    assert "the disk is full" in stopped.last_line
    assert "checkpoints/step-" in stopped.last_line
    assert "make room" in stopped.last_line
    assert not verify(Store(small_disk.root)).damages
    saved = small_disk.checkpoints()
    assert saved
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk.root)], check=True)
    assert small_disk.run(*often, "--run-id", "on", steps=400, model=LARGER).code == 0
    assert small_disk.record("on")["stages"]["train"]["resumed_from_step"] >= saved[-1]


def test_a_root_that_is_removed_ends_the_run_at_once(every_kind: Workplace, tmp_path: Path) -> None:
    """It is named, and not made again."""
    place = copy_of(every_kind, tmp_path)
    often = ("--without-prefect", "--set", "checkpoint_seconds=0.2")
    process = place.start(*often, "--run-id", "gone", "--until", "train", steps=100_000)
    place.wait_for(lambda: place.progress("gone") != "", process)
    shutil.rmtree(place.root)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 12
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    assert str(place.root) in errors.strip().splitlines()[-1]
    assert not place.root.exists()


def test_what_a_kill_left_in_a_finished_model_goes_with_the_next_run(every_kind: Workplace, tmp_path: Path) -> None:
    """Killed between the model's rename and the removal of its scratch: what is left is told, and is gone next time."""
    place = copy_of(every_kind, tmp_path)
    model = place.root / place.record("made")["stages"]["train"]["path"]
    (model / "checkpoints").mkdir()
    (model / "checkpoints" / "step-00000001.json").write_text("{}")
    (model / "train.tokens").write_bytes(b"tokens")
    assert {damage.what for damage in verify(Store(place.root)).damages} == {"is no part of it"}
    assert place.run("--without-prefect", "--run-id", "again").code == 0
    assert place.record("again")["stages"]["train"]["status"] == "reused"
    assert verify(Store(place.root)).damages == ()
