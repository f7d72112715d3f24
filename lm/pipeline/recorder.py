"""Keeps the record of a run: written when the run starts and after every change."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from filelock import FileLock, Timeout

from lm.errors import Crash, Interrupted, SlowburnError, Stopped
from lm.memory.budget import Budget
from lm.run_config import RunConfig
from lm.runs.claims import alive_lock, claiming
from lm.runs.run_record import RunRecord, StageRecord, TrainRecord, UnfinishedStage, run_folder, save_run
from lm.stages import TRAIN
from lm.store.artifacts import Artifact, Store
from lm.store.files import now
from lm.text.addresses import without_secrets
from lm.train.metrics import TrainMetrics

SAVE_INTERVAL_SECONDS = 2.0  # while a stage is at work: what a killed run is known by


class Recorder:
    """The record of one run."""

    def __init__(self, store: Store, config: RunConfig, run_id: str, budget: Budget, command: str) -> None:
        self.store, self.variant = store, ""
        self.started, self._saved = time.monotonic(), 0.0
        self.on_save: Callable[[], None] = lambda: None
        self.record = RunRecord(
            run_id=run_id,
            command=command,
            corpus=[without_secrets(word) for word in config.download.corpus],
            config=config.model_dump(mode="json"),
            budget=budget,
            started=now(),
        )
        self.save()
        self._alive = self._live()

    def save(self) -> None:
        """Write the record as it is now. Raises SlowburnError where its folder was removed since it began."""
        if self._saved and not self.store.runs.is_dir():
            raise SlowburnError(
                f"{self.store.root} was removed while the run used it: what it had not finished is lost; run this again"
            )
        self._saved = time.monotonic()
        self.record.seconds = round(self._saved - self.started, 3)
        save_run(self.store, self.record)
        self.on_save()

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Let nobody remove what is found inside before it is recorded."""
        with claiming(self.store):
            yield

    def need(self, artifact: Artifact) -> Artifact:
        """Record that an artifact is used which is none of the run's stages. Raises Stopped where it is gone."""
        with self.claiming():
            if not artifact.path.exists():
                raise Stopped(f"{artifact.path} was removed just now: run this again")
            if artifact.key not in self.record.needs:
                self.record.needs = [*self.record.needs, artifact.key]
                self.save()
        return artifact

    def begin(self, stage: str, key: str | None, predicted_bytes: int | None) -> None:
        """Note which stage is at work."""
        self.record.unfinished = UnfinishedStage(stage=stage, key=key, predicted_memory_bytes=predicted_bytes)

    def end(self) -> None:
        """Note that no stage is at work."""
        self.record.unfinished = None
        self.save()

    def progressed(self, words: str) -> None:
        """Note how far the stage at work is."""
        if self.record.unfinished:
            self.record.unfinished.progress = words
            if time.monotonic() - self._saved >= SAVE_INTERVAL_SECONDS:
                self.save()

    def took(self, seconds: float, peak_bytes: int) -> None:
        """Note what the child of a stage took, whatever became of it."""
        self.record.peak_memory_bytes = max(self.record.peak_memory_bytes or 0, peak_bytes)
        if self.record.unfinished:
            self.record.unfinished.seconds = round(seconds, 3)
            self.record.unfinished.peak_memory_bytes = peak_bytes

    def paused(self, is_paused: bool) -> None:
        """Note whether the run stands still."""
        self.record.status = "paused" if is_paused else "running"
        self.save()

    def stage_record(self, stage: str) -> StageRecord | None:
        """What is recorded of a stage of the main model; None while a model beside it is at work."""
        return None if self.variant else self.record.stages.get(stage)

    def stage_done(
        self,
        artifact: Artifact,
        status: Literal["computed", "reused"],
        reason: str,
        seconds: float = 0.0,
        peak_bytes: int | None = None,
        predicted_bytes: int | None = None,
    ) -> None:
        """Record a stage that is complete."""
        fields = StageRecord(
            key=artifact.key,
            path=artifact.path.relative_to(self.store.root).as_posix(),
            status=status,
            reason=reason,
            seconds=round(seconds, 3),
            peak_memory_bytes=peak_bytes,
            predicted_memory_bytes=predicted_bytes,
        )
        stage = artifact.manifest.stage
        record = self.record
        stages = record.variants.setdefault(self.variant, {}) if self.variant else record.stages
        stages[stage] = _train_record(fields, artifact) if stage == TRAIN.name else fields
        self.end()

    def close(self, error: BaseException | None) -> None:
        """Record what became of the run; where Slowburn itself failed, the details are in a file beside the record."""
        if error is None:
            self.record.status = "completed"
        else:
            interrupted = not isinstance(error, Exception)  # Ctrl-C, or a cancellation
            self.record.status = "stopped" if interrupted or isinstance(error, Stopped | Interrupted) else "failed"
            self.record.reason = "interrupted" if interrupted else str(error)
            self.record.error = type(error).__name__
        if isinstance(error, Crash):
            details = run_folder(self.store, self.record.run_id) / "error.txt"
            details.write_text(error.details + "\n", encoding="utf-8")
            self.record.reason += f" (details in {details})"
        self.record.needs = []
        self.save()
        if self._alive:
            self._alive.release()

    def _live(self) -> FileLock | None:
        """Hold the lock by which others see that this process lives; None where one of the same name holds it."""
        lock = alive_lock(self.store, self.record.run_id)
        try:
            lock.acquire()
        except Timeout:
            return None
        return lock


class UnsavedRecorder(Recorder):
    """The record of a run that only looks what there is: it is not written."""

    def save(self) -> None:
        """Write nothing."""
        self._saved = time.monotonic()

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Lock nothing."""
        yield

    def _live(self) -> None:
        """Lock nothing."""


def _train_record(fields: StageRecord, artifact: Artifact) -> TrainRecord:
    trained = artifact.read_metrics(TrainMetrics)
    return TrainRecord(
        **fields.model_dump(),
        steps=trained.steps,
        resumed_from_step=trained.resumed_from_step,
        weights_sha256=trained.weights_sha256,
    )
