"""What becomes of a run, as the state of its flow."""

from collections.abc import Callable
from typing import Any

from prefect import State
from prefect.states import Cancelled, Failed

from lm.errors import BadInput, CannotFit, OutOfMemory, SlowburnError
from lm.pipeline.notify import notify_run
from lm.pipeline.run import conclude
from lm.pipeline.session import Session
from tasks.publish import publish_run
from tasks.worker_watchdog import was_cancelled


def concluded(session: Session, work: Callable[[], State[Any]]) -> State[Any]:
    """Do a run's work, close its record, and return the flow's state: a named one where the outcome has a name."""
    states: list[State[Any]] = []
    try:
        conclude(session, lambda: states.append(work()))
    except SlowburnError as error:
        publish_run(session)
        notify_run(session)
        name = "MemoryGuard" if isinstance(error, OutOfMemory | CannotFit) else type(error).__name__
        return Failed(name=name, message=session.record.reason)
    except BaseException as error:
        if isinstance(error, Exception):  # not a cancellation
            notify_run(session)
        if was_cancelled():
            return Cancelled(message="cancelled; what was saved is kept")
        raise
    publish_run(session)
    notify_run(session)
    return states[0]


def bad_input(error: BadInput) -> State[Any]:
    """The state of a flow that was asked for what cannot be."""
    return Failed(name="BadInput", message=str(error))
