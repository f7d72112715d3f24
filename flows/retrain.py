"""Scheduled retraining: new text is looked for, a challenger trained, and promoted only if it is shown to be better.

`prefect deployment run retrain/nightly` has a worker do it, `python -m flows.retrain` does it here and now.
`python -m lm champion` shows what was decided and how often to retrain, `python -m lm rollback` undoes a promotion.
"""

import argparse
import shlex
import sys
from typing import Any, get_args

from prefect import State, flow
from prefect.states import Completed

from flows.command_line import add_request, run
from flows.outcome import concluded
from flows.run_name import flow_run_name
from lm.champions.retraining import RetrainPolicy
from lm.pipeline.retrain import config_for
from lm.pipeline.retrain import retrain as run_retraining
from lm.run_config import RunConfig
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
) -> State[Any]:
    """Train a challenger if there is reason to, and make it the champion if it is better.

    Args:
        config: what to train on, and the time and memory it may take
        policy: when to retrain, from which weights, and what the challenger must show
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    if superseded := state_if_superseded():
        return superseded
    session = open_session(config_for(config, policy, Store.default()), run_id)

    def work() -> State[Any]:
        outcome = run_retraining(session, policy, RETRAIN_STEPS)
        publish_champion(session, outcome.decision)
        name = outcome.because or STATE_NAMES[outcome.decision.action]
        return Completed(name=name, message=session.record.decision)

    return concluded(session, work)


def main(arguments: list[str]) -> int:
    """Retrain from a terminal or a system's own scheduler; returns the exit code of `flows.pipeline`."""
    parser = argparse.ArgumentParser(prog="python -m flows.retrain", description=__doc__)
    add_request(parser)
    for name in ("when", "weights"):
        field = RetrainPolicy.model_fields[name]
        parser.add_argument(f"--{name}", choices=get_args(field.annotation), help=field.description)
    options = parser.parse_args(arguments)
    asked = {name: value for name in ("when", "weights") if (value := getattr(options, name))}
    policy = RetrainPolicy.model_validate(asked)
    return run(
        shlex.join(["python", "-m", "flows.retrain", *arguments]),
        options,
        lambda config: retrain(config, policy, options.run_id, return_state=True),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
