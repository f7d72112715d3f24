"""The train stage: each chunk is a task run of its own.

Called directly, never submitted: a cancellation then reaches the child, which saves before it leaves.
"""

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline.train_driver import train
from lm.train.jobs import ChunkReport

__all__ = ["train", "train_chunk"]


@task(name="train-chunk", task_run_name="train to step {last_step}", cache_policy=NO_CACHE)
def train_chunk(last_step: int, chunk: Callable[[], ChunkReport | None]) -> ChunkReport | None:
    """Train one bounded stretch, which ends with a checkpoint. None where a pause cut it short, with all saved."""
    return chunk()
