"""The tokenize stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import stage_drivers
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.store.artifacts import Artifact


@task(name="tokenize", task_run_name="tokenize", cache_policy=NO_CACHE)
def tokenize(session: Session, cleaned: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """Turn clean documents into tokens, with a tokenizer trained on the training split alone, or one from elsewhere."""
    return stage_drivers.tokenize(session, cleaned, plan, start)
