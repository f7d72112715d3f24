"""What tests of downloading share: the download stage as its task and child do it, and what it left."""

from pathlib import Path
from typing import Any

from lm.download.config import DownloadConfig
from lm.download.stage import assemble, fetch, inputs_of, key_of, resolve, sweep
from lm.progress import silent
from lm.store.artifacts import Artifact, Store
from lm.text.raw_sources import read_sources


def download(root: Path, *words: str, **settings: Any) -> Artifact:
    """Do what the download task and its child do."""
    store, config = Store(root), DownloadConfig(corpus=words, **settings)
    corpus = resolve(config, store)
    key = key_of(corpus)
    if key and (artifact := store.find("download", key)):
        return artifact
    corpus = fetch(config, corpus, store, silent)
    key = key_of(corpus)
    assert key
    with store.writing("download", key) as out:
        store.commit(
            "download",
            key,
            config=config.model_dump(mode="json"),
            inputs=inputs_of(corpus),
            metrics=assemble(corpus, store, out, silent),
            seconds=0.0,
            peak_memory_bytes=None,
            versions={},
        )
    sweep(corpus, store)
    return store.open(store.path("download", key))


def contents(artifact: Artifact) -> dict[str, bytes]:
    return {source.name: (artifact.path / source.path).read_bytes() for source in read_sources(artifact.path)}


def leftovers(root: Path) -> list[str]:
    """Files beside the artifacts that are neither locks nor pins."""
    hidden = (root / "data/raw").glob(".*/*") if root.exists() else []
    return [path.name for path in hidden if path.suffix != ".lock"]
