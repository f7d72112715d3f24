"""How a model is trained: one supervised child after another, each asked for one chunk after another.

A pause or want of memory ends a child; the next one goes on from the newest checkpoint. A child that keeps its minutes
moves the end by itself: the plan follows, so that the same command finds what was made.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from lm.errors import OutOfMemory, Stopped
from lm.formatting import format_duration
from lm.pipeline.schedule_changes import deadline_seconds, follow, unfinished_work
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.stages import TRAIN
from lm.store.artifacts import Artifact
from lm.store.work import StageWork
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.training_lock import training_lock
from lm.train.downshift import current_micro_batch, downshifts, shift_down
from lm.train.jobs import ChunkReport, TrainingStart, finish_training, start_training, train_chunk

SLOWER_SHARE = 1.25  # of the time that was planned: worth a word
MAX_MEMORY_RETRIES = 3  # in a run, each with micro-batches of half the size or less


def train(session: Session, tokens: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """Return the trained model: reused, or continued from its newest checkpoint, or trained from the start."""
    inputs = {"tokenize": tokens} | ({"init": start} if start else {})
    artifact = session.reuse(TRAIN.name, session.work(TRAIN.name, plan.recipe, **inputs).key)
    if artifact:
        return artifact
    session.guard(TRAIN.name, plan.predicted_memory_bytes)
    return _TrainDriver(session, inputs, plan).train()


class _TrainDriver:
    """One training, from child to child; `plan` is as the end was moved so far."""

    def __init__(self, session: Session, inputs: dict[str, Artifact], plan: Plan) -> None:
        self.session, self.inputs, self.plan = session, inputs, plan
        self.deadline_seconds = deadline_seconds(session.config)
        self.unfinished = unfinished_work(self.work, plan.recipe, self.deadline_seconds)
        self.progress = session.children.progress(TRAIN.name)

    @property
    def work(self) -> StageWork:
        """What is made, by the schedule as it is now."""
        return self.session.work(TRAIN.name, self.plan.recipe, **self.inputs)

    def train(self) -> Artifact:
        """Train to the end, in as many children as it takes."""
        session, clock = self.session, self.session.children.clock
        why = session.why(self.work)
        seconds, peak_bytes, is_done = 0.0, 0, False
        while not is_done:
            started = clock.seconds
            try:
                with self._child() as child:
                    started = clock.seconds
                    is_done = self._train_in(child)
            except OutOfMemory as error:
                self._retry_in_smaller_pieces(error)
            seconds += clock.seconds - started
            peak_bytes = max(peak_bytes, child.peak_bytes)
        artifact = session.made(TRAIN.name, self.work.key, why, seconds, peak_bytes, self.plan.predicted_memory_bytes)
        self._tell_if_slower(artifact)
        return artifact

    @contextmanager
    def _child(self) -> Iterator[SupervisedChild]:
        """A child for this training, once no other training goes on under this root."""
        session, key, plan = self.session, self.unfinished.key, self.plan
        with (
            training_lock(session.store, key, session.record.run_id, session.listener.tell),
            session.children.child(
                TRAIN.name, key, plan.predicted_memory_bytes, threads=plan.threads, trains=True
            ) as child,
        ):
            yield child

    def _train_in(self, child: SupervisedChild) -> bool:
        """Train in this child from the newest checkpoint; whether to the end, for a pause may come first."""
        start = self._start(child)
        self._follow(start)
        told = self._tell(start.notes)
        if start.step:
            self.session.listener.tell(f"train: continues from step {start.step:,} of {start.steps:,}")
        self.session.listener.training_begun(start.step, start.steps)
        report: TrainingStart | ChunkReport = start
        while not (isinstance(report, ChunkReport) and report.is_over):
            last_step = _chunk_end(report.step, report.steps, self.plan.chunk_steps)
            trained = self.session.listener.chunk(last_step, partial(self._chunk, child, last_step))
            if trained is None:
                return False
            report = trained
            self._follow(report)
            told += self._tell(report.notes[told:])
            self.session.listener.chunk_trained(report)
        folder = self.session.store.partial(TRAIN.name, self.unfinished.key)
        child.call(finish_training, self.progress, self.work, tuple(downshifts(folder)))
        return True

    def _start(self, child: SupervisedChild) -> TrainingStart:
        folder = self.session.store.partial(TRAIN.name, self.unfinished.key)
        return child.call(
            start_training,
            self.progress,
            self.unfinished.model_copy(update={"config": self.work.config}),
            micro_batch=current_micro_batch(folder, self.plan.micro_batch),
            device=self.plan.device,
            checkpoint_seconds=self.session.config.checkpoint_seconds,
            started=time.monotonic(),
            deadline_seconds=self.deadline_seconds,
            max_steps=self.plan.most_steps,
        )

    def _chunk(self, child: SupervisedChild, last_step: int) -> ChunkReport | None:
        """Train one bounded stretch, which ends with a checkpoint. None where a pause cut it short, with all saved."""
        try:
            return child.call(train_chunk, self.progress, last_step)
        except Stopped as stop:
            if isinstance(stop, OutOfMemory) or not self.session.children.gate.is_pausing:
                raise
            return None

    def _follow(self, report: TrainingStart | ChunkReport) -> None:
        """Write into the plan where the child has moved the end, now or before it was killed."""
        schedule, recipe = report.schedule, self.plan.recipe
        if schedule and (schedule.steps, schedule.former_ends) != (recipe.steps, recipe.former_ends):
            assert self.session.plan_path, "training follows a plan"
            self.plan, reason = follow(self.session.plan_path, self.plan, schedule)
            self.session.listener.tell(f"train: {reason}")

    def _retry_in_smaller_pieces(self, error: OutOfMemory) -> None:
        """Have the next attempt go in smaller pieces, in this run or, once that was tried often enough, in the next.

        Raises the error where this run is over: also where pieces cannot be smaller, or where others took the memory.
        """
        record, plan = self.session.record, self.plan
        folder = self.session.store.partial(TRAIN.name, self.unfinished.key)
        smaller = shift_down(folder, plan.recipe, plan.micro_batch, error.reason) if error.ours else None
        if smaller is None or record.memory_retries == MAX_MEMORY_RETRIES:
            raise error
        record.memory_retries += 1
        self.session.listener.tell(
            f"train: out of memory, {error.reason}: continues from what was saved, {smaller} sequences at a time "
            f"(memory retry {record.memory_retries} of {MAX_MEMORY_RETRIES})"
        )

    def _tell(self, notes: tuple[str, ...]) -> int:
        """Pass on what the user should know; return how many notes that were."""
        for note in notes:
            self.session.listener.tell(f"train: {note}")
        return len(notes)

    def _tell_if_slower(self, artifact: Artifact) -> None:
        if artifact.manifest.seconds > SLOWER_SHARE * self.plan.seconds:
            took, planned = format_duration(artifact.manifest.seconds), format_duration(self.plan.seconds)
            self.session.listener.tell(
                f"train: took {took}, planned were {planned}: this machine was slower than in the trial"
            )


def _chunk_end(step: int, steps: int, chunk_steps: int) -> int:
    """The step at which the next chunk ends: the same ones, wherever training resumes."""
    return min(steps, (step // chunk_steps + 1) * chunk_steps)
