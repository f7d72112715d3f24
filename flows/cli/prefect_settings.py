"""The project's settings of Prefect, in every folder: Prefect itself finds them only in the checkout."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lm.errors import SlowburnError, owned_by

PROJECT = Path(__file__).parents[2]
SERVER_TIMEOUT_SECONDS = 3.0
PATHS = ("home", "profiles_path")  # relative to the checkout


def use_project_settings() -> None:
    """Take pyproject.toml's `[tool.prefect]` where the environment says nothing else. Call it before Prefect loads.

    Where the current folder is none of ours, no process that we start takes a module from it, such as a `random.py`.
    """
    if Path.cwd() == PROJECT:  # where a prefect.toml or .env of the user's may come before it
        return
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    for name, value in _variables(content["tool"]["prefect"], "PREFECT"):
        os.environ.setdefault(name, value)
    os.environ["PYTHONSAFEPATH"] = "1"


def prefect_home() -> Path:
    """The folder where Prefect keeps its database and profiles."""
    return Path(os.environ.get("PREFECT_HOME") or PROJECT / ".prefect").expanduser().absolute()


def check_home(*, writable: bool = True) -> None:
    """Make Prefect's folder where it is missing: private, for its profiles may hold passwords.

    Raises SlowburnError where it belongs to somebody else.
    """
    home = prefect_home()
    with suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(home, os.R_OK | os.X_OK | (os.W_OK if writable else 0)):
        raise SlowburnError(
            f"Prefect cannot keep its database in {home}{owned_by(str(home))}: set PREFECT_HOME to a folder of yours, "
            "or do without Prefect: --without-prefect"
        )


def configured_server() -> str:
    """Address of the server that Prefect would use, found without Prefect, which takes seconds to load; or nothing."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    if url := _in_dotenv("PREFECT_API_URL") or _read(Path("prefect.toml"), "api", "url"):
        return url
    if url := _read(Path("pyproject.toml"), "tool", "prefect", "api", "url"):
        return url
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or prefect_home() / "profiles.toml")
    active = os.environ.get("PREFECT_PROFILE") or _read(profiles, "active")
    return _read(profiles, "profiles", active, "PREFECT_API_URL")


def is_recorded() -> bool:
    """Whether a server is configured and there, to record even a run in which nothing is to do."""
    url = configured_server()
    return bool(url) and answers(url)


def answers(url: str) -> bool:
    """Whether a server is there."""
    from http.client import HTTPException
    from urllib.request import urlopen  # a tenth of a second, where a server is configured

    try:
        with urlopen(f"{url}/health", timeout=SERVER_TIMEOUT_SECONDS):
            return True
    except (OSError, ValueError, HTTPException):
        return False


def _in_dotenv(name: str) -> str:
    """A value in the `.env` of the current folder, which Prefect reads too."""
    try:
        text = Path(".env").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    found = re.search(rf"""^\s*(?:export\s+)?{name}\s*=\s*["']?([^"'\s#]+)""", text, re.MULTILINE)
    return found[1] if found else ""


def _read(file: Path, *names: str) -> str:
    """A value in a file of TOML; nothing where it is not there, or cannot be read."""
    try:
        found: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        for name in names:
            found = found[name]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(found)


def _variables(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    """The environment variables that say what a table says."""
    for name, value in table.items():
        variable = f"{prefix}_{name.upper()}"
        if isinstance(value, dict):
            yield from _variables(value, variable)
        else:
            yield variable, str(PROJECT / str(value) if name in PATHS else value)
