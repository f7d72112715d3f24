"""The embedded corpus: real prose, always the same, read without running anything."""

import ast
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from lm.download import python_docs


@pytest.fixture(scope="module")
def documents() -> list[python_docs.Text]:
    return list(python_docs.documents())


def test_there_are_about_two_megabytes_of_prose(documents: list[python_docs.Text]) -> None:
    """One document for each topic and each documented module, none empty, none twice under a name."""
    names = [document.name for document in documents]
    assert len(names) == len(set(names)) > 500
    assert all(document.text.strip() for document in documents)
    assert 1.5e6 < sum(len(document.text.encode()) for document in documents) < 4e6


def test_reference_and_library_are_both_there(documents: list[python_docs.Text]) -> None:
    """The language reference reads as Python's own help has it; a module's docstrings stand under their names."""
    texts = dict(documents)
    assert "assert_stmt ::=" in texts["topic assert"]
    assert texts["textwrap"].startswith("textwrap\n\nText wrapping and filling.\n\nTextWrapper\n\nObject for wrapping")
    assert "\n\nTextWrapper.wrap\n\nwrap(text : string) -> [string]" in texts["textwrap"]


def test_nothing_but_the_library_is_read(documents: list[python_docs.Text]) -> None:
    """No tests, no installed packages."""
    parts = {part for document in documents for part in document.name.split(".")}
    assert not parts & {"test", "tests", "idle_test", "site-packages", "numpy", "pip"}


def test_nothing_is_imported_and_order_is_fixed(documents: list[python_docs.Text], tmp_path: Path) -> None:
    """Another process writes the same corpus, and has imported none of the modules that it read."""
    program = (
        "import sys, pathlib; from lm import progress;"
        "from lm.download import python_docs;"
        "python_docs.write_json_lines(pathlib.Path(sys.argv[1]), progress.silent);"
        "assert not {'antigravity', 'this', 'turtle', 'idlelib', 'pydoc_data.topics'} & set(sys.modules)"
    )
    path = tmp_path / "python-docs.jsonl"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [(row["document"], row["text"]) for row in rows] == documents


def test_every_docstring_of_a_module_is_there(documents: list[python_docs.Text]) -> None:
    """Nothing is lost on the way from the source of a module to its document."""
    source = Path(sysconfig.get_path("stdlib"), "difflib.py").read_text(encoding="utf-8")
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, python_docs.Definition)]
    docstrings = [docstring for node in nodes if (docstring := ast.get_docstring(node))]
    text = dict(documents)["difflib"]
    assert len(docstrings) > 30
    assert all(docstring.strip() in text for docstring in docstrings)
