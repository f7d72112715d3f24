"""Who hears of a run: Prefect's log always, the terminal too when a person started it there."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path

from prefect.exceptions import CancelledRun, FailedRun
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from lm.formatting import format_duration
from lm.memory.usage import can_cap, how_memory_is_held
from lm.pipeline.listener import Listener
from lm.pipeline.run import checked_run_id
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.run_config import RunConfig
from lm.runs.run_record import StageRecord
from lm.stages import TRAIN
from lm.store.artifacts import Artifact, Store
from lm.train.jobs import ChunkReport
from tasks.guard import guard
from tasks.publish import TrainingBoard, publish_plan, publish_stage
from tasks.train import train_chunk
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
        self._left = ""
        self._board: TrainingBoard | None = None
        self.session: Session | None = None

    def stage_progress(self, stage: str, done: float, total: float | None, unit: str, note: str) -> None:
        """Log a line every so often: the log is for reading afterwards."""
        self._terminal.stage_progress(stage, done, total, unit, note)
        if time.monotonic() - self._logged >= LOG_INTERVAL_SECONDS:
            self._logged = time.monotonic()
            far = f"{unit} {done:,.0f}" + (f" of {total:,.0f}" if total else "")
            self._logger.info("%s: %s %s%s", stage, far, note, self._left)

    def time_left(self, seconds: float) -> None:
        """Have the next line say what is left of the whole run."""
        self._terminal.time_left(seconds)
        self._left = f", {format_duration(seconds)} left of the run"

    def report_begun(self, path: Path) -> None:
        """Log where the run can be watched."""
        self._terminal.report_begun(path)
        self._logger.info("to watch it: %s", path.absolute().as_uri())

    def report_ready(self, path: Path) -> None:
        """Pass it on; the last lines name it."""
        self._terminal.report_ready(path)

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        """Log every stage that is complete."""
        self._terminal.stage_finished(stage, reused, seconds, summary)
        self._logger.info("%s: %s. %s", stage, "reused" if reused else f"done in {seconds:.1f} s", summary)
        if stage == TRAIN.name and self._board:
            self._board.finish(summary)

    def tell(self, message: str) -> None:
        """Log what the user should know."""
        self._terminal.tell(message)
        self._logger.info("%s", message)

    def guard(self, stage: str, check: Callable[[], None]) -> None:
        """Check a stage's memory as a task of its own."""
        guard(stage, check)
        if not can_cap() and self.session and not self.session.children.memory_rows:  # said once, before the first
            self.tell(f"memory: {how_memory_is_held()}")

    def chunk(self, last_step: int, train: Callable[[], ChunkReport | None]) -> ChunkReport | None:
        """Train a chunk as a task of its own."""
        return train_chunk(last_step, train)

    def artifact_ready(self, artifact: Artifact, record: StageRecord) -> None:
        """Show the stage's page."""
        if self.session:
            publish_stage(self.session.store, self.session.record, artifact, record)

    def plan_ready(self, plan: Plan) -> None:
        """Show the plan's page."""
        publish_plan(plan)

    def training_begun(self, step: int, steps: int) -> None:
        """Show a bar that moves with the chunks."""
        self._board = TrainingBoard(step, steps)

    def chunk_trained(self, report: ChunkReport) -> None:
        """Move the bar."""
        if self._board:
            self._board.show(report)

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        """Log how it ended."""
        self._terminal.run_finished(lines, error)
        self._logger.info("%s", "\n".join(lines))


def open_session(config: RunConfig, run_id: str | None) -> Session:
    """Begin a run under this name, or under one made of the time and the flow run's name."""
    watch_worker()
    made = f"{datetime.now():%Y%m%d-%H%M%S}-{flow_run.get_name() or 'run'}"
    name = checked_run_id(run_id or made)
    log = RunLog()
    session = Session(Store.default(), config, name, log, command=command.get())
    log.session = session
    return session
