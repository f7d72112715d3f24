"""Retraining: new text is looked for, a challenger trained, and promoted only if it is shown to be better."""

from collections.abc import Callable
from dataclasses import dataclass

from lm.champions.champion import Decision, find_champion, keep, load_champion, promote
from lm.champions.contest import Contest
from lm.champions.good_time import GoodTime, NotNow, wait_for_good_time
from lm.champions.jobs import hold_contest
from lm.champions.retraining import (
    FIRST,
    RetrainPolicy,
    has_drifted,
    is_same_text,
    lost_before,
    previous_champions,
    settle,
)
from lm.download.jobs import refresh_sources
from lm.inspection.pruning_lines import pruning_lines
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.memory.budget import parse_bytes
from lm.pipeline.listener import Listener
from lm.pipeline.run import checked_run_id, conclude_and_notify, stages
from lm.pipeline.session import Session
from lm.pipeline.steps import PLAIN, Steps
from lm.run_config import RunConfig
from lm.runs.run_name import new_run_id
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Artifact, Store


def good_time(session: Session, wanted: GoodTime) -> None:
    """Return when the machine has time. Raises NotNow when it has none before the deadline."""
    wait_for_good_time(wanted, session.listener.tell)


def refresh(session: Session) -> list[str]:
    """Fetch the sources on the web that have changed; return their names."""
    with session.children.child("download", None) as child:
        progress = session.children.progress("download")
        changed = child.call(refresh_sources, progress, session.store.root, session.config.download)
    session.recorder.end()
    for name in changed:
        session.listener.tell(f"{name} has changed and is fetched again")
    return changed


def contest(session: Session, clean: str, challenger: str | None, champion: str, previous: list[str]) -> Contest:
    """Compare champion, previous champions and challenger on the same new text."""
    for key in filter(None, (challenger, champion, *previous)):
        session.recorder.need(session.store.open(session.store.path("train", key)))
    with session.children.child("contest", None) as child:
        progress = session.children.progress("contest")
        held = child.call(hold_contest, progress, session.store.root, clean, challenger, champion, previous)
    session.recorder.end()
    return held


def prune_artifacts(session: Session, disk: str) -> None:
    """Remove what was not used for longest until the rest fits, and say what goes."""
    pruning = plan_pruning(session.store, RetentionPolicy(disk_bytes=parse_bytes(disk)))
    session.listener.tell(f"disk: {pruning.sentence}")
    for line in pruning_lines(session.store, prune(session.store, pruning)):
        session.listener.tell(f"removed of {line}")


@dataclass(frozen=True)
class RetrainSteps:
    """One function for each step of a retraining beside the stages: as they are here, or wrapped."""

    good_time: Callable[[Session, GoodTime], None] = good_time
    refresh: Callable[[Session], list[str]] = refresh
    contest: Callable[[Session, str, str | None, str, list[str]], Contest] = contest
    prune: Callable[[Session, str], None] = prune_artifacts
    stages: Steps = PLAIN


PLAIN_RETRAINING = RetrainSteps()


@dataclass(frozen=True)
class Outcome:
    """What was decided, and in one word why no challenger was trained, where none was."""

    decision: Decision
    because: str = ""


def config_for(config: RunConfig, policy: RetrainPolicy, store: Store) -> RunConfig:
    """The config with the champion as the model to start from, where the policy says so and there is one."""
    champion = find_champion(store)
    if policy.weights == "champion" and champion:
        return config.model_copy(update={"init_from": champion.key})
    return config


def run_retraining(
    config: RunConfig,
    policy: RetrainPolicy,
    *,
    run_id: str | None = None,
    listener: Listener | None = None,
    store: Store | None = None,
    command: str = "",
) -> RunRecord:
    """Retrain where there is reason to, and return the record; as `lm.pipeline.run.run_pipeline` runs a pipeline."""
    store = store or Store.default()
    name = checked_run_id(run_id or new_run_id(config))
    session = Session(store, config_for(config, policy, store), name, listener or Listener(), command=command)
    return conclude_and_notify(session, lambda: retrain(session, policy))


def retrain(session: Session, policy: RetrainPolicy, steps: RetrainSteps = PLAIN_RETRAINING) -> Outcome:
    """Train a challenger if there is reason to, make it the champion if it is better, and record the decision."""
    champion, run_id = find_champion(session.store), session.record.run_id
    if warning := load_champion(session.store).warning:
        session.listener.tell(warning)
    try:
        steps.good_time(session, policy.good_time)
    except NotNow as error:
        return _told(session, keep(session.store, str(error), run_id=run_id), "NotNow")
    steps.refresh(session)
    to_do = stages(session, replan=False, steps=steps.stages)
    next(stage for stage in to_do if stage == "clean")
    if champion and (reason := _no_need(session, policy, steps, champion)):
        return _told(session, keep(session.store, reason, run_id=run_id), "Unchanged")
    for _ in to_do:
        pass
    outcome = _told(session, _choose(session, policy, steps, champion))
    if policy.disk:
        steps.prune(session, policy.disk)
    return outcome


def _no_need(session: Session, policy: RetrainPolicy, steps: RetrainSteps, champion: Artifact) -> str | None:
    """Why no challenger is needed; None when one is."""
    if policy.when == "always":
        return None
    if is_same_text(session.store, champion, session.record.stages["download"].key):
        return "the text has not changed since the champion was trained"
    if policy.when == "changed":
        return None
    if has_drifted(steps.contest(session, session.record.stages["clean"].key, None, champion.key, []), policy):
        return None
    return f"the text has changed, but the champion loses at most {policy.drift:g} bits per byte on it"


def _choose(session: Session, policy: RetrainPolicy, steps: RetrainSteps, champion: Artifact | None) -> Decision:
    """Champion or challenger."""
    store, run = session.store, session.record
    challenger, clean = run.stages["train"].key, run.stages["clean"].key
    if champion is None:
        return promote(store, challenger, FIRST, run_id=run.run_id)
    if challenger == champion.key:
        return keep(store, "the same text and settings would give the champion again", run_id=run.run_id)
    if earlier := lost_before(load_champion(store), challenger, clean):
        reason = f"this challenger lost on {earlier.decided} already"
        return keep(store, reason, challenger=challenger, run_id=run.run_id)
    held = steps.contest(session, clean, challenger, champion.key, previous_champions(store, policy))
    return settle(store, held, challenger, policy, run.run_id)


def _told(session: Session, decision: Decision, because: str = "") -> Outcome:
    session.record.decision = f"{decision.action}: {decision.reason}"
    session.listener.tell(f"champion {session.record.decision}")
    return Outcome(decision, because)
