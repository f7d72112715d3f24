"""The machine is never taken down: refused before, stopped during, continued after."""

import json
from pathlib import Path

import pytest

from tests.conftest import Workplace

OFTEN = ("--memory", "700MiB", "--until", "train", "--without-prefect", "--set", "checkpoint_seconds=0.5")
LEAK = '''
import os, pathlib, sys, threading, time

def leak():
    """Memory that some library in a training process loses, from the first checkpoint of its own on."""
    kept, models = [], pathlib.Path(os.environ["SLOWBURN_ROOT"], "artifacts/models")
    begun = time.time()
    while not any(file.stat().st_mtime > begun for file in models.glob(".*.partial/checkpoints/step-*.json")):
        time.sleep(0.02)
    leaks = pathlib.Path(os.environ["LEAKS"])
    with leaks.open("a") as log:
        log.write("1")
    while leaks.stat().st_size <= int(os.environ["TIMES"]):
        kept.append(bytearray(os.urandom(1) * (8 << 20)))
        time.sleep(0.05)

if any(word.endswith("start_child.py") for word in sys.orig_argv):
    threading.Thread(target=leak, daemon=True).start()
'''


def test_a_budget_far_too_small_is_refused_before_anything_starts(workplace: Workplace) -> None:
    """Exit code 78, one line with what is needed, what there is and the command that fits; nothing is made."""
    outcome = workplace.run("--memory", "50MiB", "--run-id", "small")
    assert outcome.code == 78
    assert "50 MiB" in outcome.last_line
    assert "run again with --memory" in outcome.last_line
    assert "Traceback" not in outcome.errors + outcome.output
    assert workplace.record("small")["status"] == "failed"
    assert not list((workplace.root / "data").glob("*/*"))

    advised = outcome.last_line.split("--memory ")[1].split()[0]
    fits = workplace.run("--memory", advised, "--run-id", "advised", "--without-prefect")
    assert fits.code == 0, "what is advised does fit"
    record = workplace.record("advised")
    assert record["peak_memory_bytes"] <= record["budget"]["bytes"]


def leaking(workplace: Workplace, folder: Path, times: int) -> None:
    """Let the first few training processes leak."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LEAK)
    workplace.environment |= {"PYTHONPATH": str(folder), "LEAKS": str(folder / "leak"), "TIMES": str(times)}


def shifts(path: Path) -> list[tuple[int, int]]:
    return [(shift["from"], shift["to"]) for shift in json.loads(path.read_text())["downshifts"]]


def test_a_training_that_outgrows_its_budget_goes_on_by_itself_in_smaller_pieces(
    workplace: Workplace, tmp_path: Path
) -> None:
    """The same command ends with a model; the retry is counted as one for memory, and what it changed is kept."""
    leaking(workplace, tmp_path / "leak", times=1)
    outcome = workplace.run(*OFTEN, "--run-id", "once", steps=2000)
    assert outcome.code == 0, outcome
    assert "memory retry 1 of 3" in outcome.output
    assert "4 sequences at a time" in outcome.output
    record = workplace.record("once")
    assert record["memory_retries"] == 1
    assert record["peak_memory_bytes"] < 1.05 * record["budget"]["bytes"]
    assert record["stages"]["train"]["resumed_from_step"] > 0
    manifest = json.loads((workplace.root / record["stages"]["train"]["path"] / "manifest.json").read_text())
    assert [(shift["from"], shift["to"]) for shift in manifest["metrics"]["downshifts"]] == [(8, 4)]


@pytest.mark.memory_campaign
def test_a_training_that_outgrows_its_budget_again_and_again_stops_and_goes_on_later(
    workplace: Workplace, tmp_path: Path
) -> None:
    """After three retries exit code 75 with a checkpoint; the parent says what happened; the next run continues."""
    leaking(workplace, tmp_path / "leak", times=9)
    outcome = workplace.run(*OFTEN, "--run-id", "grown", steps=20_000)
    assert outcome.code == 75, outcome
    assert outcome.last_line.startswith("out of memory, stage train")
    assert "after 3 retries with smaller micro-batches" in outcome.last_line
    assert "Traceback" not in outcome.errors + outcome.output
    record = workplace.record("grown")
    assert record["status"] == "stopped"
    assert record["memory_retries"] == 3
    assert record["peak_memory_bytes"] < 1.05 * record["budget"]["bytes"]
    checkpoint = workplace.checkpoints()[-1]
    assert checkpoint > 0
    (kept,) = workplace.root.glob("artifacts/models/.*.partial/downshifts.json")
    assert shifts(kept) == [(8, 4), (4, 2), (2, 1)]

    workplace.environment["TIMES"] = "0"
    process = workplace.start(*OFTEN, "--run-id", "later", steps=20_000)
    workplace.wait_for(lambda: workplace.checkpoints()[-1] > checkpoint, process)
    process.terminate()
    output, errors = process.communicate(timeout=60)
    assert f"continues from step {checkpoint:,}" in output, (output, errors)
    assert shifts(kept)[-1] == (2, 1)
