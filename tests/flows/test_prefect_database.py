"""A damaged database of Prefect's is named before a server is started on it; an intact one is no matter."""

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from flows.cli.prefect_database import VARIABLES, check_database
from lm.errors import SlowburnError
from tests.conftest import Workplace


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An intact one of some pages, where Prefect would look for it."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "prefect.db"
    with sqlite3.connect(path) as database:
        database.execute("create table runs (id integer primary key, name text)")
        database.executemany("insert into runs (name) values (?)", [("x" * 200,)] * 500)
    database.close()
    return path


def test_an_intact_or_missing_database_is_no_matter(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is in use, and where it is another kind of database."""
    check_database()
    with sqlite3.connect(database) as busy:
        busy.execute("begin exclusive")
        check_database()
    busy.close()
    monkeypatch.setenv(VARIABLES[0], "postgresql+asyncpg://user@host/prefect")
    database.write_bytes(b"x" * 4096)
    check_database()
    monkeypatch.setenv(VARIABLES[0], f"sqlite+aiosqlite:///{database}.none")
    check_database()


@pytest.mark.parametrize("damage", ["no database", "a page", "cut"])
def test_a_damaged_one_is_named_with_what_to_do(database: Path, damage: str) -> None:
    """One line with the command; what it does makes room for a new one."""
    content = database.read_bytes()
    a_page = content[:8192] + b"\xff" * 4096 + content[12288:]
    changed = {"no database": b"x" * 8192, "a page": a_page, "cut": content[:20_000]}
    database.write_bytes(changed[damage])
    with pytest.raises(SlowburnError) as error:
        check_database()
    assert str(database) in str(error.value)
    assert "\n" not in str(error.value)
    subprocess.run(str(error.value).split("`")[1], shell=True, check=True)
    assert not database.exists()
    check_database()


def test_a_run_names_it_at_once(workplace: Workplace) -> None:
    """No minutes of attempts, no traceback: exit code 1 and the line."""
    home = Path(workplace.environment["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "prefect.db").write_bytes(os.urandom(20_000))
    workplace.environment.pop("PREFECT_API_URL")
    began = time.monotonic()
    outcome = workplace.run("--until", "download")
    assert outcome.code == 1, outcome
    assert time.monotonic() - began < 30
    assert f"Prefect's database {home / 'prefect.db'} is damaged" in outcome.last_line
    shutil.rmtree(home)
