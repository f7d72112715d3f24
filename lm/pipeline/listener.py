"""Who hears of a run: a terminal, a log, Prefect's pages. Each overrides what it wants to hear or to wrap."""

from collections.abc import Callable
from pathlib import Path

from lm.planning.plan import Plan
from lm.runs.run_record import StageRecord
from lm.store.artifacts import Artifact
from lm.train.jobs import ChunkReport


class Listener:
    """Hears of a run's stages."""

    def stage_progress(self, stage: str, done: float, total: float | None, unit: str, note: str) -> None:
        """A stage came a little further."""

    def time_left(self, seconds: float) -> None:
        """So many seconds the whole run will still take."""

    def report_begun(self, path: Path) -> None:
        """The report is there, and is kept up to date from now on."""

    def report_ready(self, path: Path) -> None:
        """The report of the finished run is there."""

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        """A stage is complete."""

    def tell(self, message: str) -> None:
        """Something the user should know."""

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        """The run is over; `lines` say what it came to, `error` what ended it early."""

    def artifact_ready(self, artifact: Artifact, record: StageRecord) -> None:
        """An artifact of the main model is there, reused or made now."""

    def plan_ready(self, plan: Plan) -> None:
        """The plan is settled."""

    def training_begun(self, step: int, steps: int) -> None:
        """Training goes on from `step`, to `steps` in all."""

    def chunk_trained(self, report: ChunkReport) -> None:
        """Training came to the end of a chunk."""

    def guard(self, stage: str, check: Callable[[], None]) -> None:
        """Have it checked whether a stage will fit, before it starts."""
        check()

    def chunk(self, last_step: int, train: Callable[[], ChunkReport | None]) -> ChunkReport | None:
        """Have a chunk trained, up to `last_step`."""
        return train()
