"""What pyproject.toml declares: no more and no less than is imported, each with a tested version."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = {"lm", "tasks", "flows", "docs", "tests", "benchmarks", "make", "make_venv", "build_backend"}
INSTALLED_BY_TARGETS = {"llama-cpp-python"}  # `make test-gguf` and the like have environments of their own
NOT_IMPORTED = {
    "accelerate",
    "chardet",
    "charset-normalizer",
    "xxhash",
    "coverage",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
    "mypy",
    "import-linter",
}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=!~ ;\[]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> set[str]:
    """The distributions that files below these folders import."""
    modules = set()
    for file in (file for folder in folders for file in (PROJECT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add("protobuf" if node.module.startswith("google.protobuf") else node.module.split(".")[0])
    owners = dict(packages_distributions()) | {"protobuf": ["protobuf"], "llama_cpp": ["llama-cpp-python"]}
    return {normal(owners.get(name, [name])[0]) for name in modules - OURS - sys.stdlib_module_names}


def optional() -> set[str]:
    """What an extra brings: what it is for does without it."""
    extras = DECLARED["project"]["optional-dependencies"].values()
    return names([requirement for extra in extras for requirement in extra])


def test_what_runs_imports_what_is_declared() -> None:
    """A dependency that only others bring along may go with the next version of theirs."""
    assert imported("lm", "tasks", "flows") == names(DECLARED["project"]["dependencies"]) | optional()


def test_what_develops_imports_what_is_declared() -> None:
    groups = DECLARED["dependency-groups"]
    declared = names(DECLARED["project"]["dependencies"]) | names(groups["dev"]) | names(groups["bench"])
    here = imported("tests", "benchmarks")
    assert here - INSTALLED_BY_TARGETS <= declared | optional()
    unused = declared - here - names(DECLARED["project"]["dependencies"]) - NOT_IMPORTED - optional()
    assert not {name for name in unused if not name.startswith("types-") and not name.endswith("-stubs")}


def test_every_dependency_has_a_tested_version() -> None:
    """constraints.txt is made of pyproject.toml: what was added there is pinned here."""
    lock = names([line for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line])
    groups = DECLARED["dependency-groups"]
    assert names([*DECLARED["project"]["dependencies"], *groups["dev"], *groups["bench"]]) <= lock


@pytest.mark.parametrize("hook", ["get_requires_for_build_wheel", "get_requires_for_build_sdist"])
def test_only_an_editable_install_is_made(hook: str) -> None:
    """`flows`, `tasks` and `lm` are names that others have too: they are never copied among other packages."""
    script = f"import editable_only; editable_only.{hook}()"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT / "build_backend", capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("install it with `pip install -e .`, or let `make setup` do it.")
