"""Scheduled retraining: look for new text, train a challenger, promote it only if it is shown to be better.

`prefect deployment run retrain/nightly` has a worker do it, `slowburn retrain` does it here and now.
`slowburn champion` shows what was decided and how often to retrain, `slowburn rollback` undoes a promotion.
"""

import sys

if __name__ == "__main__":  # before Prefect is loaded: a run may do without
    from flows.start import run_command

    sys.exit(run_command("retrain", "python -m flows.retrain"))

from typing import Any

from prefect import State, flow
from prefect.states import Completed

from flows.outcome import bad_input, concluded
from flows.run_name import flow_run_name
from lm.champions.retraining import RetrainPolicy
from lm.errors import BadInput
from lm.pipeline.retrain import config_for
from lm.pipeline.retrain import retrain as run_retraining
from lm.run_config import RunConfig
from lm.settings.file import with_settings_file
from lm.store.artifacts import Store
from tasks.retrain import RETRAIN_STEPS, publish_champion
from tasks.run_logging import open_session
from tasks.superseded_runs import state_if_superseded

STATE_NAMES = {"promoted": "Promoted", "kept": "Kept"}


@flow(name="retrain", flow_run_name=flow_run_name, description=__doc__)
def retrain(
    config: RunConfig = RunConfig(),  # noqa: B008 frozen: sharing one default is safe
    policy: RetrainPolicy = RetrainPolicy(),  # noqa: B008 frozen, too
    run_id: str | None = None,
    settings_file: str | None = None,
) -> State[Any]:
    """Train a challenger if there is reason to, and make it the champion if it is better.

    Args:
        config: what to train on, and the time and memory it may take
        policy: when to retrain, from which weights, and what the challenger must show
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
        settings_file: path of a slowburn.toml; what config and policy say wins
    """
    if superseded := state_if_superseded():
        return superseded
    if settings_file:
        try:
            found = with_settings_file(settings_file, config, policy)
        except BadInput as error:
            return bad_input(error)
        config, policy = found.run, found.policy
    session = open_session(config_for(config, policy, Store.default()), run_id)

    def work() -> State[Any]:
        outcome = run_retraining(session, policy, RETRAIN_STEPS)
        publish_champion(session, outcome.decision)
        name = outcome.because or STATE_NAMES[outcome.decision.action]
        return Completed(name=name, message=session.record.decision)

    return concluded(session, work)
