"""The pages that are made from the code."""

import shutil
from pathlib import Path

import pytest

from docs.reference_builder.__main__ import PROJECT, main
from docs.reference_builder.floors import read_floors


def test_the_pages_say_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, files, commands and floors; where this fails, `make docs` writes them anew."""
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_page_is_named_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checking changes nothing; what people wrote around the floors stays."""
    page = tmp_path / "docs" / "architecture.md"
    page.parent.mkdir()
    page.write_text("by hand\n<!-- floors -->\nold<!-- /floors -->\nby hand too\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((PROJECT / "pyproject.toml").read_bytes())
    shutil.copytree(PROJECT / "lm", tmp_path / "lm", ignore=shutil.ignore_patterns("__pycache__"))
    assert main(["--check"], tmp_path) == 1
    assert "docs/architecture.md is not what the code says: run `make docs`" in capsys.readouterr().err
    assert "old" in page.read_text(encoding="utf-8")
    assert main([], tmp_path) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("by hand\n")
    assert text.endswith("by hand too\n")
    assert all(f"`lm/{name}`" in text for floor in read_floors(tmp_path) for name in floor)
    assert main(["--check"], tmp_path) == 0
