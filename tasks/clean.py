"""The clean stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import stage_drivers
from lm.pipeline.session import Session
from lm.store.artifacts import Artifact


@task(name="clean", task_run_name="clean", cache_policy=NO_CACHE)
def clean(session: Session, raw: Artifact) -> Artifact:
    """Turn raw files into clean documents, some of them held out."""
    return stage_drivers.clean(session, raw)
