"""How a model is trained: one supervised child after another, each asked for one chunk after another.

A pause, an end that is moved or want of memory ends a child; the next one goes on from the newest checkpoint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

from lm.errors import OutOfMemory, Stopped
from lm.formatting import format_duration
from lm.pipeline.schedule_changes import move_end, take_over
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.stages import TRAIN
from lm.store.artifacts import Artifact
from lm.store.work import StageWork
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.training_lock import training_lock
from lm.train.deadline import NewEnd
from lm.train.downshift import current_micro_batch, downshifts, shift_down
from lm.train.jobs import ChunkReport, finish_training, start_training, train_chunk

SLOWER_SHARE = 1.25  # of the time that was planned: worth a word
MAX_MEMORY_RETRIES = 3  # in a run, each with micro-batches of half the size or less

Ending = Literal["done", "paused"] | NewEnd


def train(session: Session, tokens: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """Return the trained model: reused, or continued from its newest checkpoint, or trained from the start."""
    inputs = {"tokenize": tokens} | ({"init": start} if start else {})
    artifact = session.reuse(TRAIN.name, session.work(TRAIN.name, plan.recipe, **inputs).key)
    if artifact:
        return artifact
    session.guard(TRAIN.name, plan.predicted_memory_bytes)
    return _train(session, inputs, plan)


def _train(session: Session, inputs: dict[str, Artifact], plan: Plan) -> Artifact:
    work = session.work(TRAIN.name, plan.recipe, **inputs)
    why = session.why(work)
    seconds, peak_bytes = 0.0, 0
    ending: Ending | None = None
    while ending != "done":
        take_over(session.store, work.key, plan.recipe, work.inputs)
        started = session.children.clock.seconds
        try:
            with _trainer(session, work, plan) as child:
                started, ending = session.children.clock.seconds, None
                ending = _train_in(session, child, work, plan)
        except OutOfMemory as error:
            _retry_in_smaller_pieces(session, work, plan, error)
        seconds += session.children.clock.seconds - started
        peak_bytes = max(peak_bytes, child.peak_bytes)
        if isinstance(ending, NewEnd):
            assert session.plan_path, "training follows a plan"
            plan, reason = move_end(session.plan_path, plan, ending)
            session.listener.tell(f"train: {reason}")
            work = session.work(TRAIN.name, plan.recipe, **inputs)
    artifact = session.made(TRAIN.name, work.key, why, seconds, peak_bytes, plan.predicted_memory_bytes)
    if artifact.manifest.seconds > SLOWER_SHARE * plan.seconds:
        took, planned = format_duration(artifact.manifest.seconds), format_duration(plan.seconds)
        session.listener.tell(f"train: took {took}, planned were {planned}: this machine was slower than in the trial")
    return artifact


@contextmanager
def _trainer(session: Session, work: StageWork, plan: Plan) -> Iterator[SupervisedChild]:
    """A child for this training, once no other training goes on under this root."""
    with (
        training_lock(session.store, work.key, session.record.run_id, session.listener.tell),
        session.children.child(
            TRAIN.name, work.key, plan.predicted_memory_bytes, threads=plan.threads, trains=True
        ) as child,
    ):
        yield child


def _retry_in_smaller_pieces(session: Session, work: StageWork, plan: Plan, error: OutOfMemory) -> None:
    """Have the next attempt go in smaller pieces, in this run or, once that was tried often enough, in the next one.

    Raises the error where this run is over: also where pieces cannot be smaller, or where others took the memory.
    """
    folder = session.store.partial(TRAIN.name, work.key)
    smaller = shift_down(folder, plan.recipe, plan.micro_batch, error.reason) if error.ours else None
    if smaller is None or session.record.memory_retries == MAX_MEMORY_RETRIES:
        raise error
    session.record.memory_retries += 1
    session.listener.tell(
        f"train: out of memory, {error.reason}: goes on from what was saved, {smaller} sequences at a time "
        f"(memory retry {session.record.memory_retries} of {MAX_MEMORY_RETRIES})"
    )


def _train_in(session: Session, child: SupervisedChild, work: StageWork, plan: Plan) -> Ending:
    """Train in this child, from the newest checkpoint to the end, or until what comes first."""
    folder, config = session.store.partial(TRAIN.name, work.key), session.config
    progress = session.children.progress(TRAIN.name)
    start = child.call(
        start_training,
        progress,
        work,
        micro_batch=current_micro_batch(folder, plan.micro_batch),
        device=plan.device,
        checkpoint_seconds=config.checkpoint_seconds,
        deadline_seconds=config.minutes * 60 if config.deadline else None,
        max_steps=plan.most_steps,
    )
    told = _tell(session, start.notes)
    if start.step:
        session.listener.tell(f"train: continues from step {start.step:,} of {plan.recipe.steps:,}")
    session.listener.training_begun(start.step, plan.recipe.steps)
    for last_step in _chunk_ends(start.step, plan):
        report = session.listener.chunk(last_step, partial(_chunk, session, child, last_step))
        if report is None:
            return "paused"
        told += _tell(session, report.notes[told:])
        session.listener.chunk_trained(report)
        if report.is_over:
            break
        if report.new_end:
            return report.new_end
    child.call(finish_training, progress, work, tuple(downshifts(folder)))
    return "done"


def _chunk(session: Session, child: SupervisedChild, last_step: int) -> ChunkReport | None:
    """Train one bounded stretch, which ends with a checkpoint. None where a pause cut it short, with all saved."""
    try:
        return child.call(train_chunk, session.children.progress(TRAIN.name), last_step)
    except Stopped as stop:
        if isinstance(stop, OutOfMemory) or not session.children.gate.is_pausing:
            raise
        return None


def _tell(session: Session, notes: tuple[str, ...]) -> int:
    """Pass on what the user should know; return how many notes that were."""
    for note in notes:
        session.listener.tell(f"train: {note}")
    return len(notes)


def _chunk_ends(step: int, plan: Plan) -> list[int]:
    """The steps at which the chunks still to be trained end: the same ones, wherever training resumes."""
    steps = plan.recipe.steps
    ends = (min(end, steps) for end in range(plan.chunk_steps, steps + plan.chunk_steps, plan.chunk_steps))
    return [end for end in ends if end > step]
