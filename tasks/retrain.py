"""What a retraining does beside the stages, as Prefect tasks: wait, look for new text, hold the contest, show it."""

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.champions.champion import Decision
from lm.champions.contest import Contest
from lm.champions.good_time import GoodTime
from lm.errors import SlowburnError
from lm.pipeline import retrain
from lm.pipeline.session import REPORT_BUDGET, Session
from lm.progress import silent
from lm.report.jobs import Drift, describe_drift
from lm.supervision.supervisor import SupervisedChild
from tasks.markdown import picture
from tasks.pages import champion_page
from tasks.publish import publish_page
from tasks.steps import STEPS


@task(name="good-time", task_run_name="wait for a good time", cache_policy=NO_CACHE)
def good_time(session: Session, wanted: GoodTime) -> None:
    """Return when the machine has time. Raises NotNow when it has none before the deadline."""
    retrain.good_time(session, wanted)


@task(name="refresh", task_run_name="look for new text", cache_policy=NO_CACHE)
def refresh(session: Session) -> list[str]:
    """Fetch the sources on the web that have changed; return their names."""
    return retrain.refresh(session)


@task(name="contest", task_run_name="contest", cache_policy=NO_CACHE)
def contest(session: Session, clean: str, challenger: str | None, champion: str, previous: list[str]) -> Contest:
    """Compare champion, previous champions and challenger on the same new text."""
    return retrain.contest(session, clean, challenger, champion, previous)


@task(name="prune", task_run_name="prune", cache_policy=NO_CACHE)
def prune_artifacts(session: Session, disk: str) -> None:
    """Remove what was not used for longest until the rest fits, and say what goes."""
    retrain.prune_artifacts(session, disk)


RETRAIN_STEPS = retrain.RetrainSteps(good_time, refresh, contest, prune_artifacts, STEPS)


def publish_champion(session: Session, decision: Decision) -> None:
    """Show what was decided, on which numbers, and how often to retrain by all that was measured so far."""
    try:
        with SupervisedChild(REPORT_BUDGET) as child:
            drift = child.call(describe_drift, silent, session.store.root)
    except SlowburnError as error:
        drift = Drift(answer=f"The drift curve could not be drawn: {error}", curve=None)
    curve = picture("drift", drift.curve) if drift.curve else ""
    description = f"{decision.action}: {decision.champion or 'no champion'}"
    publish_page("champion", description, partial(champion_page, decision, drift.answer, curve))
