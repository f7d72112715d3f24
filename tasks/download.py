"""The download stage as a Prefect task. Its key follows from content: where that is unknown, it is fetched first."""

import time

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.download.stage import key_of, resolve
from lm.pipeline.session import Session
from lm.planning.predict import predict_download
from lm.store.artifacts import Artifact
from tasks.guard import guard
from tasks.publish import publish_stage


@task(name="download", task_run_name="download", cache_policy=NO_CACHE)
def download(session: Session) -> Artifact:
    """Every source of the corpus, verified, in one raw artifact."""
    corpus = resolve(session.config.download, session.store)
    for note in corpus.notes:
        session.listener.tell(note)
    key = key_of(corpus)
    artifact = session.reuse("download", key) if key else None
    if artifact is None:
        guard(session, "download", predict_download())
        artifact = _download(session, key)
    publish_stage(session, artifact)
    return artifact


def _download(session: Session, key: str | None) -> Artifact:
    why = session.store.why_missing("download", key) if key else "never fetched before"
    started = time.monotonic()
    with session.child("download", key, predict_download()) as child:
        key = child.call(
            "download",
            session.progress("download"),
            root=str(session.store.root),
            config=session.config.download.secrets(),
        )
    assert key
    seconds = time.monotonic() - started
    return session.computed("download", key, str(why), seconds, child.peak_bytes, predict_download())
