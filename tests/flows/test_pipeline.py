"""The pipeline from the command line: what it makes, what it reuses, and what it says to bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lm.stages import stage_names
from tests.conftest import DONE, PROJECT, Finished, Workplace


def test_a_run_makes_everything_and_the_next_one_reuses_it(finished: Finished, workplace_of_done: Workplace) -> None:
    """All six artifacts, the report and the record; then nothing is computed again, whatever the run is called."""
    first, workplace = finished.outcome, workplace_of_done
    assert first.code == 0, first
    assert first.last_line == "complete"
    record = workplace.record(DONE)
    assert record["status"] == "completed"
    assert list(record["stages"]) == list(stage_names())
    for stage in record["stages"].values():
        assert stage["status"] == "computed"
        manifest = json.loads((workplace.root / stage["path"] / "manifest.json").read_text())
        assert manifest["key"] == stage["key"]
    assert (workplace.root / "artifacts/runs" / DONE / "report.html").exists()
    assert "bits per byte" in first.output
    assert "report" in first.output

    second = workplace.run("--run-id", "second")
    assert second.code == 0
    assert "Nothing to do" in second.output
    assert {stage["status"] for stage in workplace.record("second")["stages"].values()} == {"reused"}

    like = ["--like", DONE, "--run-id", "other", "--set", "generate.temperature=0.5"]
    other = subprocess.run([sys.executable, "-m", "flows.pipeline", *like], cwd=PROJECT, env=workplace.environment)
    assert other.returncode == 0
    status = {name: stage["status"] for name, stage in workplace.record("other")["stages"].items()}
    assert status == dict.fromkeys(stage_names(), "reused") | {"generate": "computed"}, (
        "what changed is made, and no more"
    )
    assert "generate.temperature 0.8 → 0.5" in workplace.record("other")["stages"]["generate"]["reason"]


def test_a_damaged_artifact_is_made_again_and_it_says_why(workplace_of_done: Workplace) -> None:
    """A file cut short is noticed at once; only that artifact is made again, with the same bytes."""
    workplace = workplace_of_done
    stages = workplace.record(DONE)["stages"]
    folder = workplace.root / stages["tokenize"]["path"]
    before = json.loads((folder / "manifest.json").read_text())["outputs"]
    os.truncate(folder / "tokenizer.model", 10)

    assert workplace.run("--run-id", "again", "--until", "tokenize").code == 0
    again = workplace.record("again")["stages"]
    assert again["clean"]["status"] == "reused"
    assert again["tokenize"]["status"] == "computed"
    assert "tokenizer.model has 10 bytes" in again["tokenize"]["reason"]
    assert json.loads((folder / "manifest.json").read_text())["outputs"] == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--corpus", "lovecrat"], 2, "lovecraft"),
        (["--set", "tokenize.vocab_size=9000"], 2, "at most"),
    ],
)
def test_bad_requests_get_one_clear_line(workplace: Workplace, arguments: list[str], code: int, says: str) -> None:
    """One that can never work, one that only a stage can refuse: exit code, no traceback, nothing half-written."""
    outcome = workplace.run(*arguments)
    assert outcome.code == code, outcome
    assert says in outcome.last_line
    assert "Traceback" not in outcome.output + outcome.errors
    assert not list(workplace.root.glob("*/*/.*.partial")), "nothing half-written is left"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"one\ntwo\nthree\n", "at least"), (b"   \n\n \t\n", "empty"), (bytes(range(256)) * 40, "text")],
)
def test_a_corpus_that_is_no_corpus_is_refused(workplace: Workplace, tmp_path: Path, content: bytes, says: str) -> None:
    """An empty file, three lines, white space and binary data: one clear line each."""
    (tmp_path / "bad.txt").write_bytes(content)
    outcome = workplace.run("--corpus", str(tmp_path / "bad.txt"), "--without-prefect")
    assert outcome.code == 2, outcome
    assert says in outcome.last_line
    assert not list(workplace.root.glob("*/*/.*.partial"))


@pytest.mark.parametrize(
    ("variable", "options"), [("SLOWBURN_ROOT", ["--without-prefect"]), ("PREFECT_HOME", [])]
)  # an embedded server takes ten seconds
def test_a_folder_that_cannot_be_written_is_said(
    workplace: Workplace, tmp_path: Path, variable: str, options: list[str]
) -> None:
    """A file where the root, or Prefect's folder, should be: one clear line, no traceback."""
    (tmp_path / "file").write_text("")
    workplace.environment.pop("PREFECT_API_URL", None)
    workplace.environment[variable] = str(tmp_path / "file" / "root")
    outcome = workplace.run(*options)
    assert outcome.code not in (0, 75, 78), outcome
    assert str(tmp_path / "file") in outcome.last_line
    assert "Traceback" not in outcome.output + outcome.errors
