"""An artifact is what was written, or the file that is not is named with the command that repairs it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lm.errors import Damaged
from lm.store.artifacts import Artifact, Store
from lm.store.integrity import check, file_damages
from lm.store.work import StageWork


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    store = Store(tmp_path)
    with store.writing("clean", "0" * 16) as out:
        (out / "one.txt").write_text("one text")
        (out / "two.txt").write_text("two texts")
        return store.commit(
            "clean", "0" * 16, config={}, inputs={}, metrics={}, seconds=1, peak_memory_bytes=None, versions={}
        )


def swap(folder: Path) -> None:
    (folder / "one.txt").rename(folder / "aside")
    (folder / "two.txt").rename(folder / "one.txt")
    (folder / "aside").rename(folder / "two.txt")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda folder: (folder / "one.txt").write_text("one test"),
    "cut": lambda folder: (folder / "one.txt").write_text("one"),
    "missing": lambda folder: (folder / "one.txt").unlink(),
    "moved": lambda folder: (folder / "one.txt").rename(folder / "other.txt"),
    "added": lambda folder: (folder / "three.txt").write_text(""),
    "swapped": swap,
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "cut manifest": lambda folder: (folder / "manifest.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_made_from_what_is_not_as_written(artifact: Artifact, tmp_path: Path, damage: str) -> None:
    """Whatever happened to an input: one line with its name and what to do."""
    work = StageWork(root=tmp_path, stage="tokenize", key="1" * 16, config={}, inputs={"clean": artifact.key})
    work.check_inputs()
    DAMAGES[damage](artifact.path)
    with pytest.raises(Damaged) as error:
        work.check_inputs()
    assert str(artifact.path) in str(error.value)
    assert f"`rm -r {artifact.path}`" in str(error.value) or "run this again" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_system_leaves_in_a_folder_is_no_damage(artifact: Artifact) -> None:
    """Looking at a folder in a file manager must not make it useless."""
    for name in (".DS_Store", "Thumbs.db"):
        (artifact.path / name).write_text("x")
    check(artifact)
    assert list(file_damages(artifact)) == []
