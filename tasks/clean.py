"""The clean stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline.session import Session
from lm.store.artifacts import Artifact
from tasks.stage import run_stage


@task(name="clean", task_run_name="clean", cache_policy=NO_CACHE)
def clean(session: Session, raw: Artifact) -> Artifact:
    """Raw files to clean documents, some of them held out."""
    artifact = run_stage(session, session.work("clean", session.config.clean, download=raw))
    for warning in artifact.manifest.metrics.get("warnings", ()):
        session.listener.tell(warning)
    return artifact
