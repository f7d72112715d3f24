"""The generate stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline.session import Session
from lm.store.artifacts import Artifact
from tasks.stage import run_stage


@task(name="generate", task_run_name="generate", cache_policy=NO_CACHE)
def generate(session: Session, model: Artifact, cleaned: Artifact) -> Artifact:
    """Samples of the model's own writing."""
    return run_stage(session, session.work("generate", session.config.generate, train=model, clean=cleaned))
