"""The whole pipeline: download → clean → plan → tokenize → train in chunks → evaluate → generate.

`slowburn run` runs it here and now; `prefect deployment run pipeline/quick` has a worker do it.
"""

import sys

if __name__ == "__main__":  # before Prefect is loaded: a run may do without
    from flows.start import run_command

    sys.exit(run_command("run", "python -m flows.pipeline"))

from typing import Any

from prefect import State, flow
from prefect.states import Completed

from flows.outcome import bad_input, concluded
from flows.run_name import asked_config, flow_run_name
from lm.errors import BadInput
from lm.pipeline.run import StageName, run_until
from lm.run_config import RunConfig
from tasks.run_logging import open_session
from tasks.steps import STEPS
from tasks.superseded_runs import state_if_superseded


def run_stages(config: RunConfig, run_id: str | None, until: StageName, replan: bool) -> State[Any]:
    """Run all stages up to `until`, and turn the outcome into the flow's state."""
    session = open_session(config, run_id)

    def work() -> State[Any]:
        run_until(session, until, replan, STEPS)
        return Completed(message=f"run {session.record.run_id} is complete")

    return concluded(session, work)


@flow(name="pipeline", flow_run_name=flow_run_name, description=__doc__)
def pipeline(
    config: RunConfig = RunConfig(),  # noqa: B008 frozen: sharing one default is safe
    run_id: str | None = None,
    until: StageName = "generate",
    replan: bool = False,
    settings_file: str | None = None,
) -> State[Any]:
    """Every stage, each reused where it is done already.

    Args:
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
        until: the last stage to run
        replan: make a new plan instead of using the kept one
        settings_file: path of a slowburn.toml; what config says wins
    """
    if superseded := state_if_superseded():
        return superseded
    try:
        asked = asked_config(config, settings_file)
    except BadInput as error:
        return bad_input(error)
    return run_stages(asked, run_id, until, replan)
