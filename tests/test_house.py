"""The rules of the house that no linter sees."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
FLOORS = ["lm", "tasks", "flows"]
AS_MODULE = re.compile(r"python -m (lm|flows)\b")


def imported_packages(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_run_one_way(floor: str) -> None:
    """flows → tasks → lm, and lm/ knows no Prefect."""
    above = set(FLOORS[FLOORS.index(floor) + 1 :]) | ({"prefect"} if floor == "lm" else set())
    for file in (PROJECT / floor).rglob("*.py"):
        assert not imported_packages(file) & above, file


def test_what_users_read_names_one_command() -> None:
    """Messages, help and pages say `slowburn …`; only what is started as a module knows that it can be."""
    files = [file for floor in FLOORS for file in (PROJECT / floor).rglob("*.py")]
    files += [PROJECT / "README.md", *(PROJECT / "docs" / "how-to").glob("*.md")]
    named = {file.relative_to(PROJECT).as_posix() for file in files if AS_MODULE.search(file.read_text("utf-8"))}
    started = {f"flows/{name}.py" for name in ("__main__", "local_server", "pipeline", "retrain", "server")}
    assert named == started | {"lm/__main__.py"}


@pytest.mark.parametrize(
    "imports",
    [
        "import flows.pipeline, flows.stages",
        "from flows.cli.main import ENTRIES, slowburn; [slowburn().load(entry.name) for entry in ENTRIES]",
    ],
)
def test_the_orchestrating_process_stays_light(imports: str) -> None:
    """Neither torch nor the data libraries are loaded where nothing is computed."""
    heavy = ("torch", "pandas", "pyarrow", "matplotlib", "sentencepiece")
    script = f"import sys; {imports}; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_children_do_without_pandas() -> None:
    """41 MiB and half a second of every training and every report, for which pyarrow would load it by the way."""
    modules = "lm.train.training, lm.planning.probe, lm.report.report, lm.evaluate.evaluation"
    script = f"import sys, {modules}; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
