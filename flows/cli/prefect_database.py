"""Prefect's own database: a damaged one would end a run only after minutes, in Prefect's words."""

import os
import shlex
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

from flows.cli.prefect_settings import prefect_home
from lm.errors import SlowburnError

VARIABLES = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
SQLITE = "sqlite+aiosqlite:///"
CHECK_SECONDS = 2.0  # what a large database does not show within this, it is left to show later
CHECKED_INSTRUCTIONS = 10_000  # of SQLite, between two looks at the clock


def check_database() -> None:
    """Raise SlowburnError, with what to do, where the database is damaged. Call it before a server of ours starts."""
    path = _database()
    if path is None or not path.is_file():
        return
    if problem := _problem(path):
        aside = path.parent / "damaged"
        files = f"{shlex.quote(str(path))}*"  # with the log that SQLite keeps beside it
        raise SlowburnError(
            f"Prefect's database {path} is damaged ({problem}): `mkdir -p {shlex.quote(str(aside))} && mv {files} "
            f"{shlex.quote(str(aside))}`, then run this again: no result depends on it"
        )


def _database() -> Path | None:
    """The file of the database; None where it is none of SQLite's."""
    url = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    if not url:
        return prefect_home() / "prefect.db"
    return Path(unquote(url.removeprefix(SQLITE).partition("?")[0])) if url.startswith(SQLITE) else None


def _problem(path: Path) -> str:
    """What SQLite finds wrong, in one line; nothing where it finds nothing in time, or cannot look now."""
    deadline = time.monotonic() + CHECK_SECONDS
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1)) as database:
            database.set_progress_handler(lambda: time.monotonic() > deadline, CHECKED_INSTRUCTIONS)
            found = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:  # locked, or out of time
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else found.strip().splitlines()[-1]
