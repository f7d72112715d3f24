"""The whole pipeline: download → clean → plan → tokenize → train in chunks → evaluate → generate.

`slowburn run` runs it here and now; `prefect deployment run pipeline/quick` has a worker do it.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

from prefect import State, flow
from prefect.states import Cancelled, Completed, Failed

from flows.run_name import flow_run_name
from lm.errors import CannotFit, OutOfMemory, SlowburnError
from lm.pipeline.session import Session
from lm.run_config import RunConfig
from tasks.clean import clean
from tasks.download import download
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.notify import notify_run
from tasks.plan import plan
from tasks.publish import publish_run
from tasks.run_logging import open_session
from tasks.seeds import evaluate_others, tell_seeds, train_others
from tasks.starting_model import starting_model
from tasks.superseded_runs import state_if_superseded
from tasks.tokenize import tokenize
from tasks.train import train
from tasks.worker_watchdog import was_cancelled

StageName = Literal["download", "clean", "tokenize", "train", "evaluate", "generate"]


def stages(session: Session, replan: bool) -> Iterator[StageName]:
    """Do one stage after another, and say which one is complete."""
    start = starting_model(session)
    raw = download(session)
    yield "download"
    cleaned = clean(session, raw)
    yield "clean"
    settled = plan(session, cleaned, start, replan)
    tokens = tokenize(session, cleaned, settled, start)
    yield "tokenize"
    tell_seeds(session, settled)
    model = train(session, tokens, settled, start)
    others = train_others(session, tokens, settled, start)
    yield "train"
    evaluate(session, model, tokens, cleaned)
    evaluate_others(session, settled, model, others, tokens, cleaned)
    yield "evaluate"
    generate(session, model, cleaned)
    yield "generate"


def run_stages(config: RunConfig, run_id: str | None, until: StageName, replan: bool) -> State[Any]:
    """Run all stages up to `until`, and turn the outcome into the flow's state."""
    session = open_session(config, run_id)
    return conclude(session, lambda: _run_until(session, until, replan))


def _run_until(session: Session, until: StageName, replan: bool) -> State[Any]:
    for stage in stages(session, replan):
        if stage == until:
            break
    return Completed(message=f"run {session.record.run_id} is complete")


def conclude(session: Session, work: Callable[[], State[Any]]) -> State[Any]:
    """Do a run's work, close its record, and return the flow's state: a named one where the outcome has a name."""
    try:
        session.check_least()
        state = work()
    except SlowburnError as error:
        _close(session, error)
        name = "MemoryGuard" if isinstance(error, OutOfMemory | CannotFit) else type(error).__name__
        return Failed(name=name, message=session.record.reason)
    except BaseException as error:
        session.finish(error)
        if isinstance(error, Exception):  # not a cancellation
            notify_run(session)
        if was_cancelled():
            return Cancelled(message="cancelled; what was saved is kept")
        raise
    _close(session)
    return state


def _close(session: Session, error: SlowburnError | None = None) -> None:
    session.finish(error)
    publish_run(session)
    notify_run(session)


@flow(name="pipeline", flow_run_name=flow_run_name, description=__doc__)
def pipeline(
    config: RunConfig = RunConfig(),  # noqa: B008 frozen: sharing one default is safe
    run_id: str | None = None,
    until: StageName = "generate",
    replan: bool = False,
) -> State[Any]:
    """Every stage, each reused where it is done already.

    Args:
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
        until: the last stage to run
        replan: choose the numbers anew instead of the kept plan
    """
    return state_if_superseded() or run_stages(config, run_id, until, replan)


if __name__ == "__main__":
    from flows.cli.main import run_command

    sys.exit(run_command("run", "python -m flows.pipeline"))
