"""What a supervised child does for the download stage."""

from pathlib import Path

from lm.download.config import DownloadConfig
from lm.store.artifacts import Store
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact


@job
def download(context: JobContext, root: Path, config: DownloadConfig) -> str:
    """Fetch what is missing of a corpus and put it together; return the key, which only now is known."""
    from lm.download.stage import NAME, assemble, fetch, inputs_of, key_of, resolve, sweep

    store = Store(root)
    corpus = fetch(config, resolve(config, store), store, context.progress)
    key = key_of(corpus)
    assert key
    shown = config.model_dump(mode="json")
    work = StageWork(root=root, stage=NAME, key=key, config=shown, inputs=inputs_of(corpus))
    make_artifact(work, lambda out: assemble(corpus, store, out, context.progress))
    sweep(corpus, store)
    return key


@job
def refresh_sources(context: JobContext, root: Path, config: DownloadConfig) -> list[str]:
    """Ask whether the sources of a corpus have changed, fetch those that have, and return their names."""
    from lm.download.refresh import refresh

    return refresh(config, Store(root), context.progress)
