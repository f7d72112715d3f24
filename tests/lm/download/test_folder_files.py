"""Which files of a folder are the text: what tools, systems and Slowburn itself keep there is left out, and said."""

from pathlib import Path

import pytest

from lm.download.config import DownloadConfig
from lm.download.corpora import Corpus
from lm.download.stage import resolve
from lm.errors import BadInput
from lm.store.artifacts import Store

TEXT = "The sea was calm that night.\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name}: {TEXT}")


def found(root: Path, *words: Path) -> tuple[list[str], Corpus]:
    corpus = resolve(DownloadConfig(corpus=tuple(map(str, words))), Store(root))
    return sorted(source.name for source in corpus.sources), corpus


def test_what_is_not_the_text_is_left_out_and_named(tmp_path: Path) -> None:
    """Hidden folders, those of tools, virtual environments, lock, system and settings files."""
    notes = tmp_path / "notes"
    write(notes, "a.md", "deep/b.txt")
    out = [
        ".git/HEAD",
        ".obsidian/app.json",
        "node_modules/x/readme.md",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        "__pycache__/x.txt",
        "poetry.lock",
        "package-lock.json",
        "desktop.ini",
        "~$a.docx",
        ".hidden.txt",
        "slowburn.toml",
    ]
    write(notes, *out)
    names, corpus = found(tmp_path / "root", notes)
    assert names == ["notes/a.md", "notes/deep/b.txt"]
    assert f"skipped {len(out) - 1} files and folders" in corpus.notes[0]
    for told in (".git: in a hidden folder", "env: in a virtual environment", "node_modules: in a folder of a tool"):
        assert told in corpus.notes[0]


def test_slowburn_does_not_read_what_it_wrote(tmp_path: Path) -> None:
    """A root inside the corpus changes nothing: not its reports, tables and copies, whatever the run."""
    notes = tmp_path / "notes"
    write(notes, "a.txt", "data/mine.txt")
    before, _ = found(notes, notes)
    write(
        notes,
        "artifacts/runs/1/report.html",
        "data/raw/x/00000-a.txt",
        "data/clean/x/manifest.json",
        "data/parts/x.txt",
    )
    names, corpus = found(notes, notes)
    assert names == before == ["notes/a.txt", "notes/data/mine.txt"]
    assert "artifacts: what Slowburn itself wrote" in corpus.notes[0]


def test_links_are_followed_to_what_was_named_and_within_a_cache(tmp_path: Path) -> None:
    """A hub's cache is made of links; others are named with where they lead."""
    cache = tmp_path / "hub" / "datasets--me--notes"
    write(cache, "blobs/0a1b", "blobs/2c3d", "refs/main")
    names = cache / "snapshots" / "abc" / "data"
    names.mkdir(parents=True)
    (names / "train.txt").symlink_to("../../../blobs/0a1b")
    (names / "test.txt").symlink_to("../../../blobs/2c3d")
    for word, prefix in ((names.parent, "abc/data"), (cache, "datasets--me--notes/snapshots/abc/data")):
        assert found(tmp_path / "root", word)[0] == [f"{prefix}/test.txt", f"{prefix}/train.txt"]
    write(tmp_path / "other", "c.txt")
    write(tmp_path / "notes", "a.txt")
    (tmp_path / "notes" / "linked.txt").symlink_to(tmp_path / "other" / "c.txt")
    (tmp_path / "notes" / "folder").symlink_to(tmp_path / "other")
    alone, corpus = found(tmp_path / "root", tmp_path / "notes")
    assert alone == ["notes/a.txt"]
    assert (
        "linked.txt: a link out of the folder, to " in corpus.notes[0]
        and "folder: a link to a folder" in corpus.notes[0]
    )
    together, _ = found(tmp_path / "root", tmp_path / "notes", tmp_path / "other")
    assert len(together) == 2


def test_a_folder_of_nothing_else_says_what_it_has(tmp_path: Path) -> None:
    """One line, with what was left out and why."""
    write(tmp_path / "notes", "uv.lock")
    with pytest.raises(BadInput, match=r"no text file in .*\(1 left out: uv.lock: a lock file\)"):
        found(tmp_path / "root", tmp_path / "notes")
