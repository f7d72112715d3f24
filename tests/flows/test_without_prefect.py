"""Runs that need no orchestrator: where it is asked for, and where everything is done already."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from flows.cli.prefect_settings import configured_server
from lm.errors import CannotFit
from lm.memory.budget import Budget, check_fits
from tests.conftest import Workplace

LINGER_SECONDS = 2.0  # after the last line; on an idle machine a tenth of it
MIB = 2**20


def test_what_is_done_is_reused_without_prefect_unless_a_server_is_there(workplace: Workplace) -> None:
    """The same stages through `lm` alone; then Prefect is not even loaded, but a server that is there gets its record.

    How it ended is said last, as the process ends.
    """
    server = workplace.environment.pop("PREFECT_API_URL")
    home = Path(workplace.environment["PREFECT_HOME"])
    made = workplace.run("--without-prefect", "--run-id", "made", "--until", "train")
    assert made.code == 0, made
    assert {stage["status"] for stage in workplace.record("made")["stages"].values()} == {"computed"}

    process = workplace.start("--run-id", "again", "--until", "train")
    assert process.stdout
    lines = [(time.monotonic(), line) for line in process.stdout]
    process.wait()
    assert time.monotonic() - lines[-1][0] < LINGER_SECONDS
    assert lines[-1][1].strip().startswith("report")
    assert process.returncode == 0
    assert not any("Prefect" in line for _, line in lines)
    assert not home.exists()
    assert {stage["status"] for stage in workplace.record("again")["stages"].values()} == {"reused"}

    workplace.environment["PREFECT_API_URL"] = server
    assert workplace.run("--run-id", "recorded", "--until", "train").code == 0
    found = httpx.post(f"{server}/flow_runs/filter", json={"flow_runs": {"name": {"like_": "recorded-"}}}).json()
    assert [run["state_type"] for run in found] == ["COMPLETED"]


def test_a_server_that_does_not_answer_is_not_needed_for_what_is_done(workplace_of_done: Workplace) -> None:
    """The same settings hold on the way to work, where the server of the office is out of reach."""
    workplace_of_done.environment["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    again = workplace_of_done.run("--run-id", "again")
    assert again.code == 0
    assert "Prefect" not in again.output


@pytest.mark.parametrize(("needed_mib", "would_fit"), [(580, True), (640, False)])
def test_it_is_known_where_only_prefect_is_in_the_way(needed_mib: int, would_fit: bool) -> None:
    """In a container of 700 MB nothing trains beside Prefect's processes: without them it would."""
    budget = Budget(bytes=330 * MIB, source="cgroup", orchestrator_bytes=370 * MIB)
    with pytest.raises(CannotFit, match="give this container") as refused:
        check_fits("train", needed_mib * MIB, budget)
    assert refused.value.would_fit_alone is would_fit


@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        ({}, {}, ""),
        ({}, {"PREFECT_API_URL": "http://a/api"}, "http://a/api"),
        ({".env": "PREFECT_API_URL='http://b/api'\n"}, {}, "http://b/api"),
        ({"prefect.toml": "[api]\nurl = 'http://c/api'\n"}, {}, "http://c/api"),
        ({"p.toml": "active = 'x'\n[profiles.x]\nPREFECT_API_URL = 'http://d/api'\n"}, {}, "http://d/api"),
        ({"p.toml": "active = 'y'\n[profiles.y]\n[profiles.x]\nPREFECT_API_URL = 'http://d/api'\n"}, {}, ""),
        ({"p.toml": "not toml ["}, {}, ""),
    ],
)
def test_a_configured_server_is_found_as_prefect_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], variables: dict[str, str], expected: str
) -> None:
    """In the environment, in the files of the current folder, in the active profile: without loading Prefect."""
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "p.toml"))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert configured_server() == expected
    if files:
        script = "from prefect.settings import PREFECT_API_URL as url; print(url.value() or '')"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr
