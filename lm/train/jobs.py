"""What a supervised child does for the train stage: one training, opened, continued chunk by chunk, and finished."""

import sys

from pydantic import BaseModel

from lm.model.config import TrainingConfig
from lm.store.versions import versions
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.train.metrics import Downshift
from lm.train.schedule import Schedule
from lm.train.scratch import SCRATCH


class _Report(BaseModel, frozen=True):
    step: int
    steps: int  # in all, as it is now
    schedule: Schedule | None  # where the end was moved
    notes: tuple[str, ...]  # all so far, for the user


class TrainingStart(_Report):
    """Where a training begins or goes on."""


class ChunkReport(_Report):
    """What a chunk came to."""

    loss: float  # nats per token, smoothed
    seconds: float  # of training so far
    is_over: bool


@job
def start_training(
    context: JobContext,
    work: StageWork,
    micro_batch: int,
    device: str,
    checkpoint_seconds: float,
    started: float | None = None,
    deadline_seconds: float | None = None,
    max_steps: int = sys.maxsize,
) -> TrainingStart:
    """Open a training, from its newest checkpoint if there is one; later jobs of this child go on with it.

    The lock of the unfinished artifact is held until the child leaves. `started`: when its parent began the stage, by
    the monotonic clock.
    """
    context.use_torch()
    from lm.supervision.work_clock import WorkClock
    from lm.train.deadline import Deadline
    from lm.train.training import Training

    work.check_inputs()
    partial = context.enter(work.store.writing(work.stage, work.key, resumable=True))
    training = Training(
        TrainingConfig.model_validate(work.config),
        work.path("tokenize"),
        partial,
        micro_batch=micro_batch,
        device=device,
        checkpoint_seconds=checkpoint_seconds,
        deadline=Deadline(deadline_seconds, max_steps),
        clock=WorkClock(started),
        init=next(iter(work.paths("init")), None),
    )
    context.cap_anew()  # with its libraries and its model loaded, and before it has freed anything
    context.keep(training)
    context.stops_itself = True
    return TrainingStart(
        step=training.trainer.step_index,
        steps=training.recipe.steps,
        schedule=training.schedule,
        notes=tuple(training.notes),
    )


@job
def train_chunk(context: JobContext, last_step: int) -> ChunkReport:
    """Train until `last_step`, saving on the way and at the end."""
    from lm.train.oom_recovery import OomRecovery
    from lm.train.training import Training

    training = context.kept(Training)
    OomRecovery(context, training).run_until(last_step)
    return ChunkReport(
        step=training.trainer.step_index,
        steps=training.recipe.steps,
        schedule=training.schedule,
        notes=tuple(training.notes),
        loss=training.metrics.smooth_loss,
        seconds=training.seconds,
        is_over=training.is_over,
    )


@job
def finish_training(context: JobContext, work: StageWork, downshifts: tuple[Downshift, ...] = ()) -> None:
    """Turn a training that has made all its steps into the model artifact.

    `work` has the recipe that it came to, and the key that follows.
    """
    from lm.train.training import Training

    training = context.kept(Training)
    work.store.commit(
        work.stage,
        work.key,
        config=work.config,
        inputs=work.inputs,
        metrics=training.finish().model_copy(update={"downshifts": downshifts}),
        seconds=training.seconds,
        peak_memory_bytes=training.peak_memory_bytes,
        versions=versions(),
        numerics=training.numerics,
        scratch=SCRATCH,
        partial=training.partial,
    )
    context.close()
