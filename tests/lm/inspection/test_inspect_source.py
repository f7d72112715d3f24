"""What still holds a source: asked by whoever took it out of a corpus."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.errors import BadInput
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.inspection.source import SourceView, find_source
from lm.progress import silent
from lm.store.artifacts import Artifact, Store
from tests.conftest import PROJECT
from tests.lm.clean.test_clean import raw_artifact
from tests.lm.clean.test_parts import prose

FACTS: dict[str, Any] = {"config": {}, "metrics": {}, "seconds": 1.0, "peak_memory_bytes": None, "versions": {}}


def make(store: Store, number: int, names: list[str]) -> list[Artifact]:
    """A corpus of files, cleaned, and a model made from it, as it were."""
    with store.writing("download", f"raw{number}") as out:
        raw_artifact(out, {name: prose(len(name) + ord(name[0]), 60).encode() for name in names})
        made = [store.commit("download", f"raw{number}", inputs={}, **FACTS)]
    with store.writing("clean", f"clean{number}") as out:
        clean(made[0].path, CleanConfig(), out, silent, parts_folder=store.parts)
        made.append(store.commit("clean", f"clean{number}", inputs={"download": f"raw{number}"}, **FACTS))
    for stage, before in (("tokenize", "clean"), ("train", "tokenize")):
        with store.writing(stage, f"{stage}{number}") as out:
            (out / "content").write_bytes(b"x")
            made.append(store.commit(stage, f"{stage}{number}", inputs={before: f"{before}{number}"}, **FACTS))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two corpora: a diary was in the first and was taken out of the second."""
    store = Store(tmp_path)
    make(store, 1, ["a.txt", "book.txt", "diary-of-may.txt", "letters.txt"])
    make(store, 2, ["a.txt", "book.txt", "letters.txt"])
    return store


def held(view: SourceView) -> dict[str, str]:
    return {holder.key: holder.holds for holder in view.holders if holder.stage != "parts"}


def test_what_holds_a_removed_source_is_listed_and_nothing_made_after_does(store: Store) -> None:
    """Raw files, clean text, what was made from it, and the kept parts: of the first corpus, never of the second."""
    view = find_source(store, "DIARY")
    assert view.sources == ("diary-of-may.txt",)
    assert held(view) == {
        "raw1": "its file",
        "clean1": "1 document of it",
        "tokenize1": "made from clean clean1",
        "train1": "made from tokenize tokenize1",
    }
    assert [holder.stage for holder in view.holders].count("parts") == 1
    assert set(held(find_source(store, "letters"))) > {"clean1", "clean2", "train2"}


def test_from_the_command_line_it_is_a_table_or_one_line(store: Store) -> None:
    """`inspect --source` names every holder; where nothing holds it, one line says so."""

    def inspect(*arguments: str) -> str:
        environment = os.environ | {"SLOWBURN_ROOT": str(store.root), "COLUMNS": "200"}
        command = [sys.executable, "-m", "lm", "inspect", *arguments]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    table = inspect("--source", "diary-of")
    assert all(
        name in table for name in ("diary-of-may.txt", "data/raw/raw1", "data/parts/", "artifacts/models/train1")
    )
    assert inspect("--source", "nobody") == "Nothing here holds a source with “nobody” in its name or address.\n"
    assert '"raw1"' in inspect("--source", "diary", "--json")
    with pytest.raises(BadInput):
        find_source(store, "a")


def test_pruning_takes_parts_that_are_at_rest(store: Store) -> None:
    """A disk budget counts what cleaning keeps; packs go that no cleaning has used for an hour, and are made again."""

    def pruned() -> list[str]:
        gone = prune(store, plan_pruning(store, RetentionPolicy(disk_bytes=1)))
        return [removal.path for removal in gone if removal.stage == "parts"]

    (pack,) = store.parts.iterdir()
    assert pruned() == []
    os.utime(pack, (0, 0))
    assert pruned() == [f"data/parts/{pack.name}"]
    assert not pack.exists()
    make(store, 3, ["a.txt", "book.txt", "letters.txt"])
    assert held(find_source(store, "letters")).keys() >= {"clean3"}
