"""What a retraining does beside the stages, as Prefect tasks: wait, look for new text, hold the contest, show it."""

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.champions.champion import Decision
from lm.champions.contest import Contest
from lm.champions.good_time import GoodTime, wait_for_good_time
from lm.errors import SlowburnError
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.memory.budget import parse_bytes
from lm.pipeline.session import REPORT_BUDGET, Session
from lm.supervision.supervisor import SupervisedChild
from tasks.markdown import picture
from tasks.pages import champion_page
from tasks.publish import publish_page


@task(name="good-time", task_run_name="wait for a good time", cache_policy=NO_CACHE)
def good_time(session: Session, wanted: GoodTime) -> None:
    """Return when the machine has time. Raises NotNow when it has none before the deadline."""
    wait_for_good_time(wanted, session.listener.tell)


@task(name="refresh", task_run_name="look for new text", cache_policy=NO_CACHE)
def refresh(session: Session) -> list[str]:
    """The names of the sources on the web that have changed; their new content is fetched."""
    changed: list[str] = session.ask("download", "refresh_sources", config=session.config.download.secrets())
    for name in changed:
        session.listener.tell(f"{name} has changed and is fetched anew")
    return changed


@task(name="contest", task_run_name="contest", cache_policy=NO_CACHE)
def contest(session: Session, clean: str, challenger: str | None, champion: str, elders: list[str]) -> Contest:
    """Champion, elders and challenger on the same new text."""
    held = session.ask(
        "contest", "compare_models", clean=clean, challenger=challenger, champion=champion, elders=elders
    )
    return Contest.model_validate(held)


@task(name="prune", task_run_name="prune", cache_policy=NO_CACHE)
def prune_artifacts(session: Session, disk: str) -> None:
    """Remove what was not used for longest until the rest fits, and say what goes."""
    pruning = plan_pruning(session.store, RetentionPolicy(disk_bytes=parse_bytes(disk)))
    session.listener.tell(f"disk: {pruning.sentence}")
    for removal in prune(session.store, pruning):
        session.listener.tell(f"removed {removal.path}, last used {removal.last_used}")


def publish_champion(session: Session, decision: Decision) -> None:
    """Show what was decided, on which numbers, and how often to retrain by all that was measured so far."""
    try:
        with SupervisedChild(REPORT_BUDGET) as child:
            drift = child.call("describe_drift", root=str(session.store.root))
    except SlowburnError as error:
        drift = {"answer": f"The drift curve could not be drawn: {error}", "curve": None}
    curve = picture("drift", drift["curve"]) if drift["curve"] else ""
    description = f"{decision.action}: {decision.champion or 'no champion'}"
    publish_page("champion", description, partial(champion_page, decision, drift["answer"], curve))
