"""Runs the supervised children of a run, one at a time, and adds up the memory that they took."""

from collections.abc import Iterator
from contextlib import contextmanager

from lm.errors import OutOfMemory
from lm.memory.budget import Budget, advise
from lm.pipeline.listener import Listener
from lm.pipeline.pause_gate import PauseGate
from lm.pipeline.recorder import Recorder
from lm.pipeline.time_left import TimeLeft
from lm.progress import Progress
from lm.runs.run_record import MemoryRow
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.work_clock import WorkClock

TRAIN = "train"


class Children:
    """The supervised children of one run, and a row of every look at their memory."""

    def __init__(self, budget: Budget, recorder: Recorder, gate: PauseGate, listener: Listener) -> None:
        self.budget, self.gate = budget, gate
        self.memory_rows: list[MemoryRow] = []
        self.clock = WorkClock()
        self.time_left = TimeLeft(self.clock)
        self._recorder, self._listener = recorder, listener
        self._child: SupervisedChild | None = None
        self._stage = ""

    @contextmanager
    def child(
        self, stage: str, key: str | None, predicted_bytes: int | None = None, *, threads: int = 0, trains: bool = False
    ) -> Iterator[SupervisedChild]:
        """A supervised child for one stage; its memory joins the record whatever becomes of it.

        Raises OutOfMemory, with stage and advice in its message, where memory ended the child.
        """
        self._recorder.begin(stage, key, predicted_bytes)
        self.gate.wait()
        self._recorder.save()
        started = self.clock.seconds
        self._stage = stage
        self._child = child = SupervisedChild(
            self.budget, threads=threads, keeps_freed_memory=trains, tell=self._listener.tell
        )
        try:
            with child:
                yield child
        except OutOfMemory as error:
            retries = self._recorder.record.memory_retries if trains else 0
            raise advise(error, f"stage {stage}", self.budget, retries) from None
        finally:
            self._recorder.took(self.clock.seconds - started, child.peak_bytes)
            self.memory_rows += self._rows(stage, child)
            self._child = None

    def progress(self, stage: str) -> Progress:
        """Where a stage's progress goes."""

        def report(done: float, total: float | None, unit: str, note: str = "") -> None:
            if stage == TRAIN and total:
                self.time_left.trained(done, total)
            if (left := self.time_left.seconds) is not None:
                self._listener.time_left(left)
            if total:
                self._recorder.progressed(f"{unit} {done:,.0f} of {total:,.0f}")
            self._listener.stage_progress(stage, done, total, unit, note)
            if stage == TRAIN and self._child:
                self.gate.stop_if_asked(self._child)

        return report

    def rows_of_present(self) -> list[MemoryRow]:
        """The looks at the memory of the child that is at work."""
        return self._rows(self._stage, self._child) if self._child else []

    def _rows(self, stage: str, child: SupervisedChild) -> list[MemoryRow]:
        return [
            MemoryRow(stage, round(sample.seconds - self._recorder.started, 3), *sample[1:], self.budget.bytes)
            for sample in [*child.samples]
        ]
