"""The machine is never taken down: refused before, stopped during, continued after."""

import json

LEAK = '''
import os, pathlib, sys, threading, time

def leak():
    """Memory that some library in the training process loses, from the first checkpoint on."""
    kept, models = [], pathlib.Path(os.environ["SLOWBURN_ROOT"], "artifacts/models")
    while not list(models.glob(".*.partial/checkpoints/step-*.json")):
        time.sleep(0.02)
    while True:
        kept.append(bytearray(os.urandom(1) * (8 << 20)))
        time.sleep(0.05)

if "lm.child" in sys.orig_argv:
    threading.Thread(target=leak, daemon=True).start()
'''


def test_a_budget_far_too_small_is_refused_before_anything_starts(workplace):
    """Exit code 78, one line with what is needed, what there is and the command that fits; nothing is made."""
    outcome = workplace.run("--memory", "50MiB", "--run-id", "small")
    assert outcome.code == 78
    assert "50 MiB" in outcome.last_line
    assert "run again with --memory" in outcome.last_line
    assert "Traceback" not in outcome.errors + outcome.output
    assert workplace.record("small")["status"] == "failed"
    assert not list((workplace.root / "data").glob("*/*"))

    advised = outcome.last_line.split("--memory ")[1].split()[0]
    assert workplace.run("--memory", advised, "--run-id", "advised").code == 0, "what is advised does fit"
    record = workplace.record("advised")
    assert record["peak_memory_bytes"] <= record["budget"]["bytes"]


def test_a_training_that_outgrows_its_budget_stops_and_goes_on_later(workplace, tmp_path):
    """Exit code 75 with a checkpoint; the parent says what happened; the next run continues, in smaller pieces."""
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak" / "sitecustomize.py").write_text(LEAK)
    often = ("--memory", "900MiB", "--until", "train", "--set", "checkpoint_seconds=0.5")
    clean_path = workplace.environment.get("PYTHONPATH", "")
    workplace.environment["PYTHONPATH"] = str(tmp_path / "leak")
    outcome = workplace.run(*often, "--run-id", "grown", steps=20_000)
    assert outcome.code == 75, outcome
    assert outcome.last_line.startswith("out of memory, stage train")
    assert "Traceback" not in outcome.errors + outcome.output
    record = workplace.record("grown")
    assert record["status"] == "stopped"
    assert record["peak_memory_bytes"] < 1.05 * record["budget"]["bytes"]
    checkpoint = workplace.checkpoints()[-1]
    assert checkpoint > 0

    workplace.environment["PYTHONPATH"] = clean_path
    process = workplace.start(*often, "--run-id", "later", steps=20_000)
    workplace.wait_for(lambda: workplace.checkpoints()[-1] > checkpoint, process)
    process.terminate()
    output, errors = process.communicate(timeout=60)
    assert f"continues from step {checkpoint:,}" in output, (output, errors)
    shifts = json.loads(next(workplace.root.glob("artifacts/models/.*.partial/downshifts.json")).read_text())
    assert [(shift["from"], shift["to"]) for shift in shifts["downshifts"]] == [(8, 4)]
