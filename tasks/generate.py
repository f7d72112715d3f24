"""The generate stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import stage_drivers
from lm.pipeline.session import Session
from lm.store.artifacts import Artifact


@task(name="generate", task_run_name="generate", cache_policy=NO_CACHE)
def generate(session: Session, model: Artifact, cleaned: Artifact) -> Artifact:
    """Have the model write samples."""
    return stage_drivers.generate(session, model, cleaned)
