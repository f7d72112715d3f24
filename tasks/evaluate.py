"""The evaluate stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import stage_drivers
from lm.pipeline.session import Session
from lm.store.artifacts import Artifact


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def evaluate(session: Session, model: Artifact, tokens: Artifact, cleaned: Artifact) -> Artifact:
    """Measure the model's bits per byte on the held-out text, beside the baselines."""
    return stage_drivers.evaluate(session, model, tokens, cleaned)
