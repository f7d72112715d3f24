"""The project's settings of Prefect, in every folder: Prefect itself finds them only in the checkout."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
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


def _variables(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """The environment variables that say what a table says."""
    for name, value in table.items():
        variable = f"{prefix}_{name.upper()}"
        if isinstance(value, dict):
            yield from _variables(value, variable)
        else:
            yield variable, str(PROJECT / value if name in PATHS else value)
