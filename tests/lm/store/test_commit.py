"""An unfinished folder becomes an artifact, whatever an earlier attempt left in it."""

from pathlib import Path

from lm.store.artifacts import Store


def test_an_attempt_that_ended_before_its_last_rename_is_made_good(tmp_path: Path) -> None:
    """Killed between manifest and rename: the next attempt's artifact is whole, and does not list the old manifest.

    The folder may have had another name than the key that it gets.
    """
    store = Store(tmp_path)
    with store.writing("train", "0" * 16, resumable=True) as partial:
        (partial / "model.bin").write_text("weights")
        (partial / "manifest.json").write_text("{}")
        artifact = store.commit(
            "train", "1" * 16, config={}, inputs={}, metrics={}, seconds=1.0, peak_memory_bytes=None, versions={},
            partial=partial,
        )  # fmt: skip
    assert list(artifact.manifest.outputs) == ["model.bin"]
    assert store.find("train", "1" * 16) == artifact
    assert not partial.exists()
