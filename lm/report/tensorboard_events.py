"""A run's learning curve as event files, which TensorBoard shows; while the run goes on, as far as it has come."""

import math
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lm.errors import BadInput
from lm.report.run_facts import RunFacts, gather_facts
from lm.report.run_pictures import training_metrics
from lm.runs.run_record import RUN_FILE, RunRecord, open_run, run_folder
from lm.store.artifacts import Store
from lm.train.learning_curve import CurveRow

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

POLL_INTERVAL_SECONDS = 5.0
GOING_ON = ("running", "paused")
MIB = 2**20


def write_events(store: Store, run: RunRecord, folder: Path, poll_seconds: float = POLL_INTERVAL_SECONDS) -> int:
    """Write a run's curve to an empty folder, and what comes to it until the run has ended; returns the steps.

    Raises BadInput where TensorBoard is not installed.
    """
    events = _Events(_open_writer(folder), datetime.fromisoformat(run.started).timestamp())
    while True:
        facts = gather_facts(store, run)
        events.add_curve(training_metrics(store, facts), facts)
        if run.status not in GOING_ON:
            events.add_evaluation(facts)
            events.close()
            return events.steps
        time.sleep(poll_seconds)
        run = open_run(run_folder(store, run.run_id) / RUN_FILE)


def _open_writer(folder: Path) -> "EventFileWriter":
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise BadInput(
            "TensorBoard is not installed: `pip install tensorboard` in the environment of Slowburn brings it"
        ) from None
    return EventFileWriter(str(folder))


class _Events:
    """Writes each step once."""

    def __init__(self, writer: "EventFileWriter", begun: float) -> None:
        self._writer, self._begun = writer, begun
        self._last_step = 0
        self.steps = 0

    def add_curve(self, rows: list[CurveRow], facts: RunFacts) -> None:
        """Write the rows that are new."""
        tokens = facts.tokenize
        train, heldout = (tokens.train_bytes_per_token, tokens.heldout_bytes_per_token) if tokens else (1.0, 1.0)
        unit = "bits_per_byte" if tokens else "bits_per_token"
        for row in rows:
            if row["step"] <= self._last_step:
                continue
            values = {
                f"{unit}/training": row["loss"] / math.log(2) / train,
                "training/learning_rate": row["learning_rate"],
                "training/tokens_per_second": row["tokens_per_second"],
                "training/memory_mib": row["memory_bytes"] / MIB,
            }
            if row["heldout_loss"] is not None:
                values[f"{unit}/unseen"] = row["heldout_loss"] / math.log(2) / heldout
            self._add(row["step"], row["seconds"], values)
            self._last_step = row["step"]
            self.steps += 1
        self._writer.flush()

    def add_evaluation(self, facts: RunFacts) -> None:
        """Write what the whole held-out text came to, at the last step."""
        if facts.evaluation:
            bits = {"evaluation/bits_per_byte": facts.evaluation.bits_per_byte}
            self._add(self._last_step, facts.run.seconds, bits)

    def close(self) -> None:
        """Have all of it on disk."""
        self._writer.close()

    def _add(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        self._writer.add_event(Event(step=step, wall_time=self._begun + seconds, summary=summary))
