"""The plan as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import plan_driver
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.store.artifacts import Artifact


@task(name="plan", task_run_name="plan", cache_policy=NO_CACHE)
def plan(session: Session, cleaned: Artifact, start: Artifact | None, replan: bool = False) -> Plan:
    """Settle exact numbers for what was asked; those of last time are kept unless `replan`."""
    return plan_driver.plan(session, cleaned, start, replan)
