"""The train stage: one supervised child, asked for one chunk after another, each chunk a task run of its own.

Called directly, never submitted: a cancellation then reaches the child, which saves before it leaves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.errors import OutOfMemory, Stopped
from lm.formatting import format_duration
from lm.pipeline.schedule_changes import move_end, take_over
from lm.pipeline.session import Session, Work
from lm.planning.plan import Plan
from lm.store.artifacts import Artifact
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.training_lock import training_lock
from lm.train.deadline import NewEnd
from lm.train.downshift import current_micro_batch, downshifts, shift_down
from tasks.guard import guard
from tasks.publish import TrainingBoard, publish_stage

LONGER_SHARE = 1.25  # than planned: worth a word
MAX_MEMORY_RETRIES = 3  # in a run, each in pieces of half the size or less


def train(session: Session, tokens: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """The trained model, reused, or continued from its newest checkpoint, or trained from the start."""
    inputs = {"tokenize": tokens} | ({"init": start} if start else {})
    artifact = session.reuse("train", session.work("train", plan.recipe, **inputs).key)
    if artifact is None:
        guard(session, "train", plan.predicted_memory_bytes)
        artifact = _train(session, inputs, plan)
    publish_stage(session, artifact)
    return artifact


def _train(session: Session, inputs: dict[str, Artifact], plan: Plan) -> Artifact:
    work = session.work("train", plan.recipe, **inputs)
    why = session.why(work)
    seconds, peak_bytes = 0.0, 0
    while True:  # a pause, an end that is moved or want of memory ends the child: what follows is another one's
        take_over(session.store, work.key, plan.recipe, work.inputs)
        ended = None
        try:
            with _trainer(session, work, plan) as child:
                started = session.clock.seconds
                ended = _train_in(session, child, work, plan)
        except OutOfMemory as error:
            _retry_in_smaller_pieces(session, work, plan, error)
        seconds += session.clock.seconds - started
        peak_bytes = max(peak_bytes, child.peak_bytes)
        if ended == "done":
            break
        if isinstance(ended, NewEnd):
            assert session.plan_path, "training follows a plan"
            plan, reason = move_end(session.plan_path, plan, ended)
            session.listener.tell(f"train: {reason}")
            work = session.work("train", plan.recipe, **inputs)
    artifact = session.computed("train", work.key, why, seconds, peak_bytes, plan.predicted_memory_bytes)
    if artifact.manifest.seconds > LONGER_SHARE * plan.seconds:
        took, planned = format_duration(artifact.manifest.seconds), format_duration(plan.seconds)
        session.listener.tell(f"train: took {took}, planned were {planned}: this machine was slower than in the trial")
    return artifact


@contextmanager
def _trainer(session: Session, work: Work, plan: Plan) -> Iterator[SupervisedChild]:
    """A child for this training, when it is this training's turn."""
    with (
        training_lock(session.store, work.key, session.record.run_id, session.listener.tell),
        session.child("train", work.key, plan.predicted_memory_bytes, threads=plan.threads, trains=True) as child,
    ):
        yield child


def _retry_in_smaller_pieces(session: Session, work: Work, plan: Plan, error: OutOfMemory) -> None:
    """Have the next attempt go in smaller pieces, in this run or, once that was tried often enough, in the next one.

    Raises the error where this run is over: also where pieces cannot be smaller, or where others took the memory.
    """
    partial = session.store.partial("train", work.key)
    smaller = shift_down(partial, plan.recipe, plan.micro_batch, error.reason) if error.ours else None
    if smaller is None or session.record.memory_retries == MAX_MEMORY_RETRIES:
        raise error
    session.record.memory_retries += 1
    session.listener.tell(
        f"train: out of memory, {error.reason}: goes on from what was saved, {smaller} sequences at a time "
        f"(memory retry {session.record.memory_retries} of {MAX_MEMORY_RETRIES})"
    )


def _train_in(session: Session, child: SupervisedChild, work: Work, plan: Plan) -> Literal["done", "paused"] | NewEnd:
    """Train in this child, from the newest checkpoint to the end, or until what comes first."""
    partial = session.store.partial("train", work.key)
    common: dict[str, Any] = {"root": str(session.store.root), "key": work.key}
    begun = child.call(
        "start_training",
        **common,
        recipe=plan.recipe.model_dump(mode="json"),
        tokens=work.inputs["tokenize"],
        init=work.inputs.get("init"),
        micro_batch=current_micro_batch(partial, plan.micro_batch),
        device=plan.device,
        checkpoint_seconds=session.config.checkpoint_seconds,
        deadline_seconds=session.config.minutes * 60 if session.config.deadline else None,
        most_steps=plan.most_steps,
    )
    told = _tell(session, begun["notes"])
    if begun["step"]:
        session.listener.tell(f"train: continues from step {begun['step']:,} of {plan.recipe.steps:,}")
    board = TrainingBoard(begun["step"], plan.recipe.steps)
    for last_step in _chunk_ends(begun["step"], plan):
        report = train_chunk(session, child, last_step)
        if report is None:
            return "paused"
        told += _tell(session, report["notes"][told:])
        board.show(report)
        if report["is_over"]:
            break
        if report["new_end"]:
            return NewEnd(*report["new_end"])
    child.call("finish_training", **common, inputs=work.inputs, downshifts=downshifts(partial))
    return "done"


@task(name="train-chunk", task_run_name="train to step {last_step}", cache_policy=NO_CACHE)
def train_chunk(session: Session, child: SupervisedChild, last_step: int) -> dict[str, Any] | None:
    """One bounded stretch of training; ends with a checkpoint. None where a pause cut it short, with all saved."""
    try:
        report: dict[str, Any] = child.call("train_chunk", session.progress("train"), last_step=last_step)
    except Stopped as stop:
        if isinstance(stop, OutOfMemory) or not session.is_pausing:
            raise
        return None
    return report


def _tell(session: Session, notes: list[str]) -> int:
    """Pass on what the user should know; returns how many notes that were."""
    for note in notes:
        session.listener.tell(f"train: {note}")
    return len(notes)


def _chunk_ends(step: int, plan: Plan) -> list[int]:
    """The steps at which the chunks still to be trained end: the same ones, wherever training resumes."""
    steps = plan.recipe.steps
    ends = (min(end, steps) for end in range(plan.chunk_steps, steps + plan.chunk_steps, plan.chunk_steps))
    return [end for end in ends if end > step]
