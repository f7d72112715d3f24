"""The train stage: one supervised child, asked for one chunk after another, each chunk a task run of its own.

Called directly, never submitted: a cancellation then reaches the child, which saves before it leaves.
"""

import time
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.downshift import current_micro_batch, downshifts, shift_down
from lm.plan import Plan
from lm.session import Session, Work
from lm.store import Artifact
from lm.supervise import OutOfMemory, SupervisedChild
from tasks.guard import guard
from tasks.publish import TrainingBoard, publish_stage


def train(session: Session, tokens: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """The trained model, reused, or continued from its newest checkpoint, or trained from the start."""
    work = session.work("train", plan.recipe, tokenize=tokens, **({"init": start} if start else {}))
    artifact = session.reuse("train", work.key)
    if artifact is None:
        guard(session, "train", plan.predicted_memory_bytes)
        artifact = _train(session, work, plan)
    publish_stage(session, artifact)
    return artifact


def _train(session: Session, work: Work, plan: Plan) -> Artifact:
    started = time.monotonic()
    why = session.why(work)
    partial = session.store.partial("train", work.key)
    common: dict[str, Any] = {"root": str(session.store.root), "key": work.key}
    try:
        with session.child("train", work.key, plan.predicted_memory_bytes, threads=plan.threads, trains=True) as child:
            begun = child.call(
                "start_training",
                **common,
                recipe=plan.recipe.model_dump(mode="json"),
                tokens=work.inputs["tokenize"],
                init=work.inputs.get("init"),
                micro_batch=current_micro_batch(partial, plan),
                device=plan.device,
                checkpoint_seconds=session.config.checkpoint_seconds,
            )
            for note in begun["notes"]:
                session.listener.tell(f"train: {note}")
            if begun["step"]:
                session.listener.tell(f"train: continues from step {begun['step']:,} of {plan.recipe.steps:,}")
            board = TrainingBoard(begun["step"], plan.recipe.steps)
            for last_step in _chunk_ends(begun["step"], plan):
                board.show(train_chunk(session, child, last_step))
            child.call("finish_training", **common, inputs=work.inputs, downshifts=downshifts(partial))
    except OutOfMemory as error:
        if error.ours:
            shift_down(partial, plan, error.reason)
        raise session.memory_stop("train", error) from None
    seconds = time.monotonic() - started
    return session.computed("train", work.key, why, seconds, child.peak_bytes, plan.predicted_memory_bytes)


@task(name="train-chunk", task_run_name="train to step {last_step}", cache_policy=NO_CACHE)
def train_chunk(session: Session, child: SupervisedChild, last_step: int) -> dict[str, float]:
    """One bounded stretch of training; ends with a checkpoint."""
    report: dict[str, float] = child.call("train_chunk", session.progress("train"), last_step=last_step)
    return report


def _chunk_ends(step: int, plan: Plan) -> list[int]:
    """The steps at which the chunks still to be trained end: the same ones, wherever training resumes."""
    steps = plan.recipe.steps
    ends = (min(end, steps) for end in range(plan.chunk_steps, steps + plan.chunk_steps, plan.chunk_steps))
    return [end for end in ends if end > step]
