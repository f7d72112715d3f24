"""Several seeds from the command line: models of their own, nothing done twice, all writing as one."""

import os
import signal
import subprocess
import sys

from tests.conftest import PROJECT, Workplace

STEPS = 300
ASKED = ("--seeds", "2", "--until", "evaluate", "--without-prefect")


def test_seeds_are_trained_beside_the_model_and_survive_an_interruption(workplace: Workplace) -> None:
    """An interrupted second seed goes on; the model is the one of a single seed; the report tells of all."""
    process = workplace.start(*ASKED, "--run-id", "two", "--set", "checkpoint_seconds=0.2", steps=STEPS)

    def second_seed_has_begun() -> bool:
        return (workplace.root / "artifacts/runs/two/run.json").exists() and (
            "train" in workplace.record("two")["stages"] and bool(workplace.checkpoints())
        )

    workplace.wait_for(second_seed_has_begun, process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    again = workplace.run(*ASKED, "--run-id", "two", steps=STEPS)
    assert again.code == 0, again
    assert "2 seeds, about" in again.output

    record = workplace.record("two")
    assert record["stages"]["train"]["status"] == "reused"
    assert list(record["variants"]) == ["seed 2", "ensemble"]
    assert record["variants"]["seed 2"]["train"]["resumed_from_step"]
    trained = [stages["train"] for stages in (record["stages"], *record["variants"].values()) if "train" in stages]
    assert len({train["weights_sha256"] for train in trained}) == 2
    report = (workplace.root / "artifacts/runs/two/report.html").read_text(encoding="utf-8")
    assert "standard deviation" in report and "generate two --ensemble" in report
    assert "Nothing to do" in workplace.run("--run-id", "one", *ASKED[2:], steps=STEPS).output

    together = generated(workplace, "two", "--ensemble")
    assert together == generated(workplace, "--ensemble")
    alone = generated(workplace)  # without a name the model that was asked for, not the seed that was trained last
    assert alone == generated(workplace, "one") != together


def generate(workplace: Workplace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `slowburn generate`."""
    return subprocess.run(
        [sys.executable, "-m", "lm", "generate", *arguments, "--tokens", "40"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=workplace.environment,
        timeout=60,
    )


def generated(workplace: Workplace, *arguments: str) -> str:
    """The text that it writes."""
    outcome = generate(workplace, *arguments)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout
