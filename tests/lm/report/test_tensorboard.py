"""Event files, read back by TensorBoard itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lm.errors import BadInput
from lm.report.tensorboard_events import write_events
from lm.runs.run_record import UnfinishedStage, save_run
from lm.store.files import write_json
from tests.conftest import PROJECT
from tests.lm.report.test_report import curve, make_run


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_tensorboard_reads_the_curve_of_a_run(tmp_path: Path) -> None:
    """Every step in bits per byte, the few held-out losses, speed, memory, and what the evaluation came to."""
    store, run = make_run(tmp_path)
    assert write_events(store, run, tmp_path / "events") == 100
    events = read(tmp_path / "events")
    training = events.Scalars("bits_per_byte/training")
    assert [point.step for point in training] == list(range(1, 101))
    assert training[-1].value == pytest.approx(3.04 / 0.6931 / 2.5, rel=1e-3)
    assert training[1].wall_time - training[0].wall_time == pytest.approx(0.5)
    assert [point.step for point in events.Scalars("bits_per_byte/unseen")] == [20, 40, 60, 80, 100]
    assert events.Scalars("training/memory_mib")[0].value == 600
    assert events.Scalars("evaluation/bits_per_byte")[0].value == pytest.approx(1.75)


def test_a_run_that_goes_on_is_followed_to_its_end(tmp_path: Path) -> None:
    """The command writes what the newest checkpoint has, goes on with the run, and ends with it."""
    store, run = make_run(tmp_path, until="tokenize")
    run.status, run.unfinished = "running", UnfinishedStage(stage="train", key="f" * 16)
    save_run(store, run)
    checkpoints = store.partial("train", "f" * 16) / "checkpoints"
    checkpoints.mkdir(parents=True)
    rows = json.loads(curve(60).to_json(orient="records"))
    write_json(checkpoints / "step-00000060.json", {"step": 60, "facts": {"metrics": {"rows": rows}}})
    command = [sys.executable, "-m", "lm", "tensorboard", run.run_id]
    environment = os.environ | {"SLOWBURN_ROOT": str(tmp_path)}
    following = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    assert following.stdout
    assert "tensorboard --logdir" in following.stdout.readline()
    assert following.poll() is None
    run.status = "stopped"
    save_run(store, run)
    said, _ = following.communicate(timeout=60)
    assert "60 steps of a-run written" in said
    assert len(read(store.runs / run.run_id / "tensorboard").Scalars("bits_per_byte/training")) == 60


def test_without_tensorboard_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and nothing is written."""
    store, run = make_run(tmp_path, until="tokenize")
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(BadInput, match="pip install tensorboard"):
        write_events(store, run, tmp_path / "events")
    assert not (tmp_path / "events").exists()
