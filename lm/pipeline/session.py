"""One pass over the stages: decides what can be reused, has the rest made in supervised children, keeps the record."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil

from lm.config import StageConfig
from lm.errors import Crash, Interrupted, OutOfMemory, SlowburnError, Stopped
from lm.formatting import format_bytes
from lm.inspection.listing import headline
from lm.memory.budget import Budget, advised_budget, check_fits, resolve_budget
from lm.memory.usage import tree_bytes
from lm.planning.plan import Plan
from lm.planning.predict import predict_least, predict_stage
from lm.progress import Progress
from lm.run_config import RunConfig
from lm.runs.explain import Made, why_new
from lm.runs.pause import Pause
from lm.runs.run_record import MemoryRow, RunRecord, StageRecord, TrainRecord, UnfinishedStage, run_folder, save_run
from lm.stages import VERSIONS, stage_key
from lm.store.artifacts import NOT_MADE, Artifact, Store
from lm.store.files import now
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.work_clock import WorkClock
from lm.text.addresses import without_secrets

REPORT_BUDGET = Budget(bytes=2**30, source="fixed")
SAVE_INTERVAL_SECONDS = 2.0  # of the record while a stage is at work: what a killed run is known by


class Work(NamedTuple):
    """A stage with everything resolved: what it is made from, how, and the key that follows from both."""

    stage: str
    key: str
    config: StageConfig
    inputs: dict[str, str]


class Listener:
    """Hears of the session's stages; the terminal and Prefect's logs each have one of their own."""

    def stage_progress(self, stage: str, done: float, total: float | None, unit: str, note: str) -> None:
        """A stage came a little further."""

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        """A stage is complete."""

    def tell(self, message: str) -> None:
        """Something the user should know."""

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        """The run is over; `lines` say what it came to, `error` what ended it early."""


class Session:
    """What was asked, what is done so far, and what it took."""

    def __init__(self, store: Store, config: RunConfig, run_id: str, listener: Listener, *, command: str = "") -> None:
        self.store, self.config, self.listener = store, config, listener
        self.budget = resolve_budget(config.memory, tree_bytes(psutil.Process()))
        self.memory_rows: list[MemoryRow] = []
        self._child: SupervisedChild | None = None
        self.is_pausing = False
        self.plan_path: Path | None = None
        self.clock, self.pause = WorkClock(), Pause(store, run_id)
        self._variant = ""
        self._started = time.monotonic()
        self.record = RunRecord(
            run_id=run_id,
            command=command,
            corpus=[without_secrets(word) for word in config.download.corpus],
            config=config.model_dump(mode="json"),
            budget=self.budget,
            started=now(),
        )
        self.save()

    def save(self) -> None:
        """Write the record as it is now."""
        self._saved = time.monotonic()
        self.record.seconds = round(self._saved - self._started, 3)
        save_run(self.store, self.record)

    def finish(self, error: BaseException | None = None) -> None:
        """Close the record with what became of the run, and draw the report."""
        if error is None:
            self.record.status = "completed"
        else:
            interrupted = not isinstance(error, Exception)  # Ctrl-C, or a cancellation
            self.record.status = "stopped" if interrupted or isinstance(error, Stopped | Interrupted) else "failed"
            self.record.reason = "interrupted" if interrupted else str(error)
        if isinstance(error, Crash):
            details = run_folder(self.store, self.record.run_id) / "error.txt"
            details.write_text(error.details + "\n", encoding="utf-8")
            self.record.reason += f" (details in {details})"
        self.save()
        self.listener.run_finished(self._report(), error)

    def _report(self) -> list[str]:
        """Draw the report; the run is what it is even where that fails."""
        try:
            with SupervisedChild(REPORT_BUDGET) as child:
                lines: list[str] = child.call(
                    "write_report", root=str(self.store.root), run_id=self.record.run_id, memory_rows=self.memory_rows
                )
                return lines
        except SlowburnError as error:
            return [f"The run is {self.record.status}, but its report could not be drawn: {error}"]

    @contextmanager
    def variant(self, name: str) -> Iterator[None]:
        """What is done inside is done of a model beside the main one, and recorded as its."""
        self._variant = name
        try:
            yield
        finally:
            self._variant = ""

    def record_of(self, stage: str) -> StageRecord | None:
        """What is recorded of a stage of the main model; None while a model beside it is at work."""
        return None if self._variant else self.record.stages[stage]

    def work(self, stage: str, config: StageConfig, **inputs: Artifact) -> Work:
        """Resolve what a stage would do."""
        keys = {name: artifact.key for name, artifact in inputs.items()}
        return Work(stage, stage_key(stage, config, keys), config, keys)

    def reuse(self, stage: str, key: str) -> Artifact | None:
        """The artifact, if it is there and whole; then the stage is done."""
        artifact = self.store.find(stage, key)
        if artifact:
            self._finish_stage(artifact, "reused", "same config, same inputs", 0.0)
        return artifact

    def why(self, work: Work) -> str:
        """Why a stage must be made, in a few words: what is new about it, or what is wrong with what is there."""
        missing = self.store.why_missing(work.stage, work.key) or "asked for"
        if missing != NOT_MADE:
            return missing
        config = work.config.model_dump(mode="json")
        return why_new(self.store, Made(work.stage, VERSIONS[work.stage], config, work.inputs))

    def check_least(self) -> None:
        """Refuse at once a budget in which no run could end."""
        stage, needed_bytes = predict_least()
        self.check_memory(stage, needed_bytes)

    def check_memory(self, stage: str, needed_bytes: int) -> None:
        """Refuse to start what is not expected to fit. Raises CannotFit."""
        check_fits(stage, needed_bytes, self.budget)

    def predicted_bytes(self, work: Work) -> int:
        """What a stage is expected to need."""
        artifacts = {name: self.store.open(self.store.path(name, key)) for name, key in work.inputs.items()}
        return predict_stage(work.stage, work.config, artifacts, self.budget.bytes)

    def make(self, work: Work) -> Artifact:
        """Have a stage made in a supervised child."""
        why = self.why(work)
        predicted = self.predicted_bytes(work)
        started = self.clock.seconds
        with self.child(work.stage, work.key, predicted) as child:
            child.call(
                "make",
                self.progress(work.stage),
                root=str(self.store.root),
                stage=work.stage,
                key=work.key,
                config=work.config.model_dump(mode="json"),
                inputs=work.inputs,
            )
        return self.computed(work.stage, work.key, why, self.clock.seconds - started, child.peak_bytes, predicted)

    def computed(
        self, stage: str, key: str, why: str, seconds: float, peak_bytes: int, predicted_bytes: int | None
    ) -> Artifact:
        """Record a stage that a child has just made."""
        artifact = self.store.open(self.store.path(stage, key))
        self._finish_stage(artifact, "computed", why, seconds, peak_bytes, predicted_bytes)
        return artifact

    def ask(self, stage: str, job: str, **arguments: Any) -> Any:
        """Have a child do a job that makes no artifact of this run; returns its value."""
        with self.child(stage, None) as child:
            value = child.call(job, self.progress(stage), root=str(self.store.root), **arguments)
        self.record.unfinished = None
        return value

    def planned(self, path: Path, plan: Plan) -> None:
        """Record which plan this run follows."""
        self.plan_path = path
        self.record.plan = path.relative_to(self.store.root).as_posix()
        self.record.unfinished = None
        self.save()

    def progress(self, stage: str) -> Progress:
        """Where a stage's progress goes."""

        def report(done: float, total: float | None, unit: str, note: str = "") -> None:
            if self.record.unfinished and total:
                self.record.unfinished.progress = f"{unit} {done:,.0f} of {total:,.0f}"
                if time.monotonic() - self._saved >= SAVE_INTERVAL_SECONDS:
                    self.save()
            self.listener.stage_progress(stage, done, total, unit, note)
            if stage == "train" and self._child and not self.is_pausing and self.pause.is_asked_for:
                self.is_pausing = True
                self._child.ask_to_stop("paused")

        return report

    def _wait_while_paused(self) -> None:
        """Stand still as long as the user wants it."""

        def become(status: Literal["paused", "running"], words: str) -> None:
            self.record.status = status
            self.save()
            self.listener.tell(words)

        resume = f"paused; `python -m lm resume {self.record.run_id}` lets it go on"
        self.pause.wait(lambda: become("paused", resume), lambda: become("running", "goes on"))
        self.is_pausing = False

    @contextmanager
    def child(
        self, stage: str, key: str | None, predicted_bytes: int | None = None, *, threads: int = 0, trains: bool = False
    ) -> Iterator[SupervisedChild]:
        """A supervised child for one stage; its memory joins the record whatever becomes of it.

        Raises OutOfMemory, with stage and advice in its message, where memory ended the child.
        """
        self.record.unfinished = UnfinishedStage(stage=stage, key=key, predicted_memory_bytes=predicted_bytes)
        self._wait_while_paused()
        self.save()
        started = self.clock.seconds
        self._child = child = SupervisedChild(
            self.budget, threads=threads, keeps_freed_memory=trains, tell=self.listener.tell
        )
        try:
            with child:
                yield child
        except OutOfMemory as error:
            raise self._advised(stage, error) from None
        finally:
            self._keep_memory(stage, child)
            if self.record.unfinished:
                self.record.unfinished.seconds = round(self.clock.seconds - started, 3)
                self.record.unfinished.peak_memory_bytes = child.peak_bytes
            self._child = None

    def _advised(self, stage: str, error: OutOfMemory) -> OutOfMemory:
        """The error with a message for the user: which stage, how often it was tried, what to do."""
        message = f"out of memory, stage {stage}: {error.reason}"
        if stage == "train" and (tries := self.record.memory_retries):
            message += f" after {tries} {'retry' if tries == 1 else 'retries'} in smaller pieces"
        if error.ours:
            message += (
                f", the budget is {format_bytes(self.budget.bytes)} ({self.budget.source}); "
                f"what was saved is kept: run again with --memory {advised_budget(error.peak_bytes, self.budget)}"
            )
        else:
            message += "; what was saved is kept: make room, then run the same command again"
        return OutOfMemory(error.reason, error.peak_bytes, ours=error.ours, message=message)

    def _keep_memory(self, stage: str, child: SupervisedChild) -> None:
        self.record.peak_memory_bytes = max(self.record.peak_memory_bytes or 0, child.peak_bytes)
        self.memory_rows += [
            MemoryRow(stage, round(sample.seconds - self._started, 3), *sample[1:], self.budget.bytes)
            for sample in child.samples
        ]

    def _finish_stage(
        self,
        artifact: Artifact,
        status: Literal["computed", "reused"],
        reason: str,
        seconds: float,
        peak_bytes: int | None = None,
        predicted_bytes: int | None = None,
    ) -> None:
        stage, metrics = artifact.manifest.stage, artifact.manifest.metrics
        fields: dict[str, Any] = {
            "key": artifact.key,
            "path": artifact.path.relative_to(self.store.root).as_posix(),
            "status": status,
            "reason": reason,
            "seconds": round(seconds, 3),
            "peak_memory_bytes": peak_bytes,
            "predicted_memory_bytes": predicted_bytes,
        }
        stages = self.record.variants.setdefault(self._variant, {}) if self._variant else self.record.stages
        if stage == "train":
            names = ("steps", "resumed_from_step", "weights_sha256")
            stages[stage] = TrainRecord(**fields, **{name: metrics[name] for name in names})
        else:
            stages[stage] = StageRecord(**fields)
        self.record.unfinished = None
        self.save()
        summary = headline(artifact.manifest) + (f" ({self._variant})" if self._variant else "")
        self.listener.stage_finished(stage, status == "reused", seconds, summary)
