"""One pass over the stages: what was asked, what is done so far, and the means to do the rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from lm.config import StageConfig
from lm.errors import SlowburnError, explained
from lm.memory.budget import Budget, check_fits, resolve_budget
from lm.memory.usage import tree_bytes
from lm.pipeline.children import Children
from lm.pipeline.listener import Listener
from lm.pipeline.live_report import LiveReport
from lm.pipeline.pause_gate import PauseGate
from lm.pipeline.recorder import Recorder
from lm.planning.plan import Plan
from lm.progress import silent
from lm.report.jobs import write_report
from lm.run_config import RunConfig
from lm.runs.explain import Made, why_new
from lm.runs.pause import Pause
from lm.runs.run_record import RunRecord
from lm.stages import headline, stage_named, stage_work
from lm.store.artifacts import NOT_MADE, Artifact, Store
from lm.store.work import StageWork
from lm.supervision.supervisor import SupervisedChild
from lm.train.memory import min_run_bytes

REPORT_BUDGET = Budget(bytes=2**30, source="fixed")


class Session:
    """A run that is going on."""

    def __init__(
        self,
        store: Store,
        config: RunConfig,
        run_id: str,
        listener: Listener,
        *,
        command: str = "",
        recorder: type[Recorder] = Recorder,
    ) -> None:
        self.store, self.config, self.listener = store, config, listener
        self.budget = resolve_budget(config.memory, tree_bytes(psutil.Process()))
        try:
            self.recorder = recorder(store, config, run_id, self.budget, command)
        except OSError as error:
            raise explained(error) from error
        gate = PauseGate(Pause(store, run_id), self.recorder, listener)
        self.children = Children(self.budget, self.recorder, gate, listener)
        self.live_report = LiveReport(self.recorder, self.children, listener)
        self.plan_path: Path | None = None

    @property
    def record(self) -> RunRecord:
        """What is recorded so far."""
        return self.recorder.record

    @contextmanager
    def variant(self, name: str) -> Iterator[None]:
        """What is done inside is done of a model beside the main one, and recorded as its."""
        self.recorder.variant = name
        try:
            yield
        finally:
            self.recorder.variant = ""

    def check_min(self) -> None:
        """Refuse at once a budget in which no run could end. Raises CannotFit."""
        check_fits("train", min_run_bytes(), self.budget)

    def guard(self, stage: str, needed_bytes: int) -> None:
        """Refuse to start what is not expected to fit. Raises CannotFit."""
        self.listener.guard(stage, lambda: check_fits(stage, needed_bytes, self.budget))

    def work(self, stage: str, config: StageConfig, **inputs: Artifact) -> StageWork:
        """Resolve what a stage would do."""
        return stage_work(self.store, stage, config, {name: artifact.key for name, artifact in inputs.items()})

    def reuse(self, stage: str, key: str) -> Artifact | None:
        """The artifact, if it is there and whole; then the stage is done."""
        with self.recorder.claiming():
            artifact = self.store.find(stage, key)
            if artifact:
                self.store.sweep(artifact, stage_named(stage).scratch)
                self.recorder.stage_done(artifact, "reused", "same config, same inputs")
        if artifact:
            self._finished(artifact, 0.0, reused=True)
        return artifact

    def made(
        self, stage: str, key: str, why: str, seconds: float, peak_bytes: int, predicted_bytes: int | None
    ) -> Artifact:
        """Record a stage that a child has just made."""
        with self.recorder.claiming():
            artifact = self.store.open(self.store.path(stage, key))
            self.recorder.stage_done(artifact, "computed", why, seconds, peak_bytes, predicted_bytes)
        self._finished(artifact, seconds, reused=False)
        return artifact

    def why(self, work: StageWork) -> str:
        """Why a stage must be made, in a few words: what is new about it, or what is wrong with what is there."""
        missing = self.store.why_missing(work.stage, work.key) or "asked for"
        if missing != NOT_MADE:
            return missing
        return why_new(self.store, Made(work.stage, stage_named(work.stage).version, work.config, work.inputs))

    def planned(self, path: Path, plan: Plan) -> None:
        """Record which plan this run follows."""
        self.plan_path = path
        self.record.plan = path.relative_to(self.store.root).as_posix()
        self.recorder.end()
        self.listener.plan_ready(plan)

    def finish(self, error: BaseException | None = None) -> None:
        """Close the record with what became of the run, and draw the report."""
        try:
            self.recorder.close(error)
        except OSError as problem:
            self.listener.tell(f"the record of this run could not be written: {explained(problem)}")
        except SlowburnError as problem:  # there is no place for it any more, which may be what ended the run
            if str(problem) != str(error):
                self.listener.tell(f"the record of this run could not be written: {problem}")
        lines = self._report()
        self.listener.report_ready(self.live_report.path)
        self.listener.run_finished(lines, error)

    def _report(self) -> list[str]:
        """Draw the report; the run is what it is even where that fails."""
        rows = self.children.memory_rows
        if not self.store.runs.is_dir():
            return []
        try:
            with SupervisedChild(REPORT_BUDGET) as child:
                return child.call(write_report, silent, self.store.root, self.record.run_id, rows)
        except SlowburnError as error:
            return [f"The run is {self.record.status}, but its report could not be drawn: {error}"]

    def _finished(self, artifact: Artifact, seconds: float, *, reused: bool) -> None:
        variant = self.recorder.variant
        summary = headline(artifact.manifest) + (f" ({variant})" if variant else "")
        self.listener.stage_finished(artifact.manifest.stage, reused, seconds, summary)
        if record := self.recorder.stage_record(artifact.manifest.stage):
            self.listener.artifact_ready(artifact, record)
