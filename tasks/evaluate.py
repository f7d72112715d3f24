"""The evaluate stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline.session import Session
from lm.store.artifacts import Artifact
from tasks.stage import run_stage


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def evaluate(session: Session, model: Artifact, tokens: Artifact, cleaned: Artifact) -> Artifact:
    """The model's bits per byte on the held-out text, beside the baselines."""
    return run_stage(
        session, session.work("evaluate", session.config.evaluate, train=model, tokenize=tokens, clean=cleaned)
    )
