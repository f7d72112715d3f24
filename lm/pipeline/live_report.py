"""Keeps the report of a run that goes on up to date: written from its first stage on, and every few seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

from lm.pipeline.children import Children
from lm.pipeline.listener import Listener
from lm.pipeline.recorder import Recorder
from lm.runs.run_record import REPORT_FILE, MemoryRow, run_folder
from lm.train.checkpoint_metrics import metrics_so_far

REFRESH_SECONDS = 5
SHARE_OF_TIME = 0.01  # that writing the page may take


class LiveReport:
    """Writes the page whenever the record was saved and enough time has passed, or the run's status is another one."""

    def __init__(self, recorder: Recorder, children: Children, listener: Listener) -> None:
        self._recorder, self._children, self._listener = recorder, children, listener
        self._due, self._status = 0.0, ""
        recorder.on_save = self.refresh

    def refresh(self) -> None:
        """Write the page if it is due. It is a courtesy: where it cannot be written, the run goes on."""
        status, now = self._recorder.record.status, time.monotonic()
        if status == self._status and now < self._due:
            return
        is_first, self._status = not self._status, status
        try:
            self._write()
        except Exception as problem:  # any failure to show it is told, and is no reason to end the run
            self._listener.tell(f"the report cannot be kept up to date: {problem}")
            self._due = float("inf")
            return
        took = time.monotonic() - now
        self._due = now + max(REFRESH_SECONDS, took / SHARE_OF_TIME)
        if is_first:
            self._listener.report_begun(self.path)

    @property
    def path(self) -> Path:
        """Where the report is."""
        return run_folder(self._recorder.store, self._recorder.record.run_id) / REPORT_FILE

    def _write(self) -> None:
        from lm.report.live_page import Present, write_live_page  # brings jinja2: not for runs that make nothing
        from lm.report.run_facts import gather_facts

        store, run = self._recorder.store, self._recorder.record
        working = run.unfinished
        curve = metrics_so_far(store.partial("train", working.key)) if working and working.key else []
        present = Present(curve, [*self._memory()], self._children.time_left.seconds, REFRESH_SECONDS)
        write_live_page(store, gather_facts(store, run), present)

    def _memory(self) -> Iterator[MemoryRow]:
        yield from self._children.memory_rows
        yield from self._children.rows_of_present()
