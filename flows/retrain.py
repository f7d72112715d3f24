"""Scheduled retraining: new text is looked for, a challenger trained, and promoted only if it is shown to be better.

`prefect deployment run retrain/nightly` has a worker do it, `slowburn retrain` does it here and now.
`slowburn champion` shows what was decided and how often to retrain, `slowburn rollback` undoes a promotion.
"""

import sys
from typing import Any

from prefect import State, flow
from prefect.states import Completed

from flows.pipeline import conclude, stages
from flows.run_name import flow_run_name
from lm.champions.champion import Decision, find_champion, keep, load_champion, promote
from lm.champions.good_time import NotNow
from lm.champions.retraining import FIRST, RetrainPolicy, elders, has_drifted, is_same_text, lost_before, settle
from lm.pipeline.session import Session
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from tasks.retrain import contest, good_time, prune_artifacts, publish_champion, refresh
from tasks.run_logging import open_session
from tasks.superseded_runs import state_if_superseded

STATE_NAMES = {"promoted": "Promoted", "kept": "Kept"}


@flow(name="retrain", flow_run_name=flow_run_name, description=__doc__)
def retrain(
    config: RunConfig = RunConfig(),  # noqa: B008 frozen: sharing one default is safe
    policy: RetrainPolicy = RetrainPolicy(),  # noqa: B008 frozen, too
    run_id: str | None = None,
) -> State[Any]:
    """Train a challenger if there is reason to, and make it the champion if it is better.

    Args:
        config: what to train on, and the time and memory it may take
        policy: when to retrain, from which weights, and what the challenger must show
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    if missed := state_if_superseded():
        return missed
    champion = find_champion(Store.default())
    if policy.weights == "champion" and champion:
        config = config.model_copy(update={"init_from": champion.key})
    session = open_session(config, run_id)
    return conclude(session, lambda: _decide(session, policy, champion))


def _decide(session: Session, policy: RetrainPolicy, champion: Artifact | None) -> State[Any]:
    """Do what must be done for a decision, record it, and make it the flow's state."""
    try:
        good_time(session, policy.good_time)
    except NotNow as error:
        return _say(session, keep(session.store, str(error), run_id=session.record.run_id), name="NotNow")
    refresh(session)
    todo = stages(session, replan=False)
    next(stage for stage in todo if stage == "clean")
    if champion and (reason := _no_need(session, policy, champion)):
        return _say(session, keep(session.store, reason, run_id=session.record.run_id), name="Unchanged")
    for _ in todo:
        pass
    state = _say(session, _choose(session, policy, champion))
    if policy.disk:
        prune_artifacts(session, policy.disk)
    return state


def _no_need(session: Session, policy: RetrainPolicy, champion: Artifact) -> str | None:
    """Why no challenger is needed; None when one is."""
    if policy.when == "always":
        return None
    if is_same_text(session.store, champion, session.record.stages["download"].key):
        return "the text has not changed since the champion was trained"
    if policy.when == "changed":
        return None
    held = contest(session, session.record.stages["clean"].key, None, champion.key, [])
    if has_drifted(held, policy):
        return None
    return f"the text has changed, but the champion does no worse on it than {policy.drift:g} bits per byte more"


def _choose(session: Session, policy: RetrainPolicy, champion: Artifact | None) -> Decision:
    """Champion or challenger."""
    store, run = session.store, session.record
    challenger, clean = run.stages["train"].key, run.stages["clean"].key
    if champion is None:
        return promote(store, challenger, FIRST, run_id=run.run_id)
    if challenger == champion.key:
        return keep(store, "the same text and settings make the champion again", run_id=run.run_id)
    if earlier := lost_before(load_champion(store), challenger, clean):
        reason = f"this challenger lost on {earlier.decided} already"
        return keep(store, reason, challenger=challenger, run_id=run.run_id)
    held = contest(session, clean, challenger, champion.key, elders(store, policy))
    return settle(store, held, challenger, policy, run.run_id)


def _say(session: Session, decision: Decision, name: str | None = None) -> State[Any]:
    """Tell what was decided wherever someone may look."""
    session.record.decision = f"{decision.action}: {decision.reason}"
    session.listener.tell(f"champion {session.record.decision}")
    publish_champion(session, decision)
    return Completed(name=name or STATE_NAMES[decision.action], message=session.record.decision)


if __name__ == "__main__":
    from flows.cli.main import run_command

    sys.exit(run_command("retrain", "python -m flows.retrain"))
