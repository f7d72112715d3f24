"""The floors of lm/ in architecture.md, from the contract that import-linter keeps."""

import ast
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from docs.reference_builder.markdown import code, table

BEGIN, END = "<!-- floors -->", "<!-- /floors -->"
CONTRACT = "floors"
INTRODUCTION = """The lowest floor has number 1. A package may import those on lower floors, none on higher ones.
Packages on the same floor never import each other in a circle. Above `lm` stand `tasks` and `flows`."""


def with_floors(text: str, project: Path) -> str:
    """The page with the floors as they are now between its two marks."""
    before, marked, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (marked and closed):
        raise SystemExit(f"docs/architecture.md has no {BEGIN} … {END}: the floors go between them")
    floors = read_floors(project)
    return f"{before}{BEGIN}\n{INTRODUCTION}\n\n{_picture(floors)}\n\n{_table(floors, project)}{END}{after}"


def read_floors(project: Path) -> list[list[str]]:
    """Names of the packages and modules of each floor, the top one first."""
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (found for found in settings["tool"]["importlinter"]["contracts"] if found["id"] == CONTRACT)
    return [re.split(r"\s*[|:]\s*", layer) for layer in contract["layers"]]


def _picture(floors: Sequence[Sequence[str]]) -> str:
    """Boxes on top of each other, which read well without a browser too."""
    lines = [" · ".join(names) for names in floors]
    width = max(map(len, lines))
    rows = [f"│ {number:>2} │ {line:<{width}} │" for number, line in _numbered(lines)]
    edge = ("─" * 4, "─" * (width + 2))
    above = [f"{'flows':^{width + 9}}", f"{'↓':^{width + 9}}", f"{'tasks':^{width + 9}}", f"{'↓':^{width + 9}}"]
    top, bottom = f"┌{'┬'.join(edge)}┐", f"└{'┴'.join(edge)}┘"
    return "\n".join(["```", *(line.rstrip() for line in above), top, *rows, bottom, "```"])


def _numbered(lines: Sequence[str]) -> list[tuple[int, str]]:
    return [(len(lines) - place, line) for place, line in enumerate(lines)]


def _table(floors: Sequence[Sequence[str]], project: Path) -> str:
    rows = [
        (str(len(floors) - place), code(f"lm/{name}"), _summary(project / "lm", name))
        for place, names in enumerate(floors)
        for name in names
    ]
    return table(("floor", "package", "what it is for"), rows)


def _summary(folder: Path, name: str) -> str:
    """First line of the docstring of a package or module."""
    package = folder / name / "__init__.py"
    source = package if package.exists() else folder / f"{name}.py"
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
    if not text:
        raise SystemExit(f"{source} has no docstring: say in one line what it is for")
    return text.splitlines()[0]
