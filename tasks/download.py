"""The download stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline import stage_drivers
from lm.pipeline.session import Session
from lm.store.artifacts import Artifact


@task(name="download", task_run_name="download", cache_policy=NO_CACHE)
def download(session: Session) -> Artifact:
    """Bring every source of the corpus, verified, into one raw artifact."""
    return stage_drivers.download(session)
