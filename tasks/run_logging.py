"""Who hears of a run: Prefect's log always, the terminal too when a person started it there."""

import logging
import re
import time
from contextvars import ContextVar
from datetime import datetime

from prefect.exceptions import CancelledRun, FailedRun
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from lm.errors import BadInput
from lm.pipeline.session import Listener, Session
from lm.run_config import RunConfig
from lm.store.artifacts import Store
from tasks.worker_watchdog import watch_worker

LOG_INTERVAL_SECONDS = 15.0
terminal: ContextVar[Listener | None] = ContextVar("terminal", default=None)
command: ContextVar[str] = ContextVar("command", default="")


def _is_news(entry: logging.LogRecord) -> bool:
    """Not where Prefect's engine logs a traceback of its own for a state that says everything in its message."""
    return not (entry.exc_info and isinstance(entry.exc_info[1], FailedRun | CancelledRun))


logging.getLogger("prefect.flow_runs").addFilter(_is_news)


class RunLog(Listener):
    """Writes to the flow run's log, now and then, and passes everything on to the terminal if there is one."""

    def __init__(self) -> None:
        self._logger = get_run_logger()
        self._terminal = terminal.get() or Listener()
        self._logged = 0.0

    def stage_progress(self, stage: str, done: float, total: float | None, unit: str, note: str) -> None:
        """Log a line every so often: the log is for reading afterwards."""
        self._terminal.stage_progress(stage, done, total, unit, note)
        if time.monotonic() - self._logged >= LOG_INTERVAL_SECONDS:
            self._logged = time.monotonic()
            self._logger.info("%s: %s %s%s %s", stage, unit, f"{done:,.0f}", f" of {total:,.0f}" if total else "", note)

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        """Log every stage that is complete."""
        self._terminal.stage_finished(stage, reused, seconds, summary)
        self._logger.info("%s: %s. %s", stage, "reused" if reused else f"done in {seconds:.1f} s", summary)

    def tell(self, message: str) -> None:
        """Log what the user should know."""
        self._terminal.tell(message)
        self._logger.info("%s", message)

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        """Log how it ended."""
        self._terminal.run_finished(lines, error)
        self._logger.info("%s", "\n".join(lines))


def open_session(config: RunConfig, run_id: str | None) -> Session:
    """Begin a run under this name, or under one made of the time and the flow run's name."""
    watch_worker()
    made = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{flow_run.get_name() or 'run'}"
    name = checked_run_id(run_id or made)
    return Session(Store.default(), config, name, RunLog(), command=command.get())


def checked_run_id(name: str) -> str:
    """The name, if it can be a folder's on every system. Raises BadInput."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise BadInput(f"run id: got {name!r}, expected up to 80 letters, digits, dots, dashes and underscores")
    return name
