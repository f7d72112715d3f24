"""Training that nears its memory budget does with less, without stopping."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.progress import silent
from lm.stages import stage_work
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild
from lm.train.jobs import start_training, train_chunk
from tests.builders import metrics_of
from tests.lm.conftest import Toy

PROJECT = Path(__file__).parents[3]
BUDGET = Budget(bytes=640 << 20, source="flag")
RECIPE = TrainingConfig(
    layers=1, width=128, heads=2, kv_heads=2, mlp_width=512, context=128, batch_sequences=32,
    steps=10, precision="fp32", seed=1,
)  # fmt: skip
BALLAST = '''
import os, pathlib, re, sys, threading, time

STARTED = sys.orig_argv[1:]  # of a child: start_child.py, its budget, where it finds modules

def fill():
    """Once training is under way, take as much as brings this process just above its soft limit, once."""
    models = pathlib.Path(os.environ["SLOWBURN_ROOT"], "artifacts/models")
    budget = int(STARTED[1])
    while not list(models.glob(".*.partial/checkpoints/step-*[1-9].json")):
        time.sleep(0.02)
    time.sleep(0.2)
    held = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
    ballast.append(b"x" * int(0.97 * budget - held))

ballast = []
if STARTED and STARTED[0].endswith("start_child.py"):
    threading.Thread(target=fill, daemon=True).start()
'''


def keep_tokens(store: Store, toy: Toy) -> None:
    """The toy's tokens as an artifact: what a training reads is checked."""
    with store.writing("tokenize", "toy") as out:
        shutil.copytree(toy.tokens, out, dirs_exist_ok=True)
        store.commit("tokenize", "toy", config={}, inputs={}, metrics=metrics_of("tokenize"), seconds=1.0,
                     peak_memory_bytes=None, versions={})  # fmt: skip


def trained(store: Store, toy: Toy, notes: list[str]) -> tuple[float, list[dict[str, Any]]]:
    """Train all steps in a supervised child; the loss, and the downshifts on the way."""
    keep_tokens(store, toy)
    with SupervisedChild(BUDGET, threads=1, keeps_freed_memory=True, tell=notes.append) as child:
        work = stage_work(store, "train", RECIPE, {"tokenize": "toy"}).model_copy(update={"key": "toy"})
        child.call(start_training, silent, work, micro_batch=32, device="cpu", checkpoint_seconds=0.2)
        report = child.call(train_chunk, silent, RECIPE.steps)
        assert child.peak_bytes <= BUDGET.bytes
    shifts = store.partial("train", "toy") / "downshifts.json"
    return report.loss, json.loads(shifts.read_text())["downshifts"] if shifts.exists() else []


def test_a_training_near_its_budget_goes_on_in_smaller_pieces(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The micro-batch is halved inside the process, nothing stops, and the loss is the same within rounding."""
    notes: list[str] = []
    loss, shifts = trained(Store(tmp_path / "whole"), toy, notes)
    assert not shifts
    assert not notes

    (tmp_path / "sitecustomize.py").write_text(BALLAST)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SLOWBURN_ROOT", str(tmp_path / "filled"))
    filled_loss, shifts = trained(Store(tmp_path / "filled"), toy, notes)
    assert shifts[0]["from"] == 32
    assert shifts[0]["to"] < 32
    assert "sequences at a time instead of 32" in notes[0]
    assert filled_loss == pytest.approx(loss, abs=1e-3)


REFUSED = """
import resource, sys
from pathlib import Path
import lm.stages
from lm.store.work import StageWork
from lm.supervision.child import Child
from lm.train.jobs import start_training, train_chunk
from lm.train.training import Training

child = Child(budget_bytes=2**32)
child.cap_anew = lambda: None
work = StageWork.model_validate_json(sys.argv[1])
start_training(child, work, micro_batch=128, device="cpu", checkpoint_seconds=15.0)
data = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data + (80 << 20), resource.RLIM_INFINITY))
report = train_chunk(child, last_step=2)
result = {"step": report.step, "micro_batch": child.kept(Training).trainer.micro_batch}
child.send({"event": "result", "value": result, "peak_memory_bytes": 0})
"""


def test_a_step_that_is_refused_memory_is_made_again_in_smaller_pieces(toy: Toy, tmp_path: Path) -> None:
    """A refusal costs the step, not the training: nothing of it had reached the weights."""
    store = Store(tmp_path)
    keep_tokens(store, toy)
    recipe = RECIPE.model_copy(update={"batch_sequences": 128, "steps": 2})
    work = stage_work(store, "train", recipe, {"tokenize": "toy"})
    command = [sys.executable, "-c", REFUSED, work.model_dump_json()]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] == "shrunk"], done.stderr
    assert events[-1]["value"]["step"] == 2
    assert events[-1]["value"]["micro_batch"] < 128
