"""Jobs that know nothing of each other, done on several cores: each by a supervised child of its own, or all here.

A worker is capped and watched like a stage, and gone when this process is. Every job leaves its result in a file of its
own, so what comes of all of them does not depend on how many work.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Generic, NamedTuple, TypeVar, cast

from lm.errors import OutOfMemory
from lm.memory.budget import Budget
from lm.progress import Progress
from lm.supervision.job import Job
from lm.supervision.job_context import JobContext
from lm.supervision.supervisor import SupervisedChild

T = TypeVar("T")

SHARD_BYTES = 16 * 2**20  # of text in one job, about


class ShardJob(NamedTuple, Generic[T]):
    """A job on a shard, how many bytes that has, and the job's argument."""

    job: Job[[T], None]
    bytes: int
    argument: T


class _HereContext(NamedTuple):
    """What a job on a shard looks at of its context."""

    progress: Progress


class WorkerPool(NamedTuple):
    """How many work, and how much memory each may take. Alone, this process does all of it under its own cap."""

    workers: int = 1
    budget_bytes: int = 0  # of each


SEQUENTIAL = WorkerPool()


def run_jobs(jobs: Sequence[ShardJob[T]], crew: WorkerPool, progress: Progress) -> None:
    """Do all jobs; raise the first error that one of them raises, MemoryError where a worker ran out of memory."""
    overall = _Overall(jobs, progress)
    if crew.workers < 2 or len(jobs) < 2:
        for number, shard in enumerate(jobs):
            shard.job(cast(JobContext, _HereContext(overall.of(number))), shard.argument)
        return
    budget = Budget(bytes=crew.budget_bytes, source="a worker's share")
    with ExitStack() as stack, ThreadPoolExecutor(min(crew.workers, len(jobs))) as pool:
        idle = queue.SimpleQueue[SupervisedChild]()
        for _ in range(min(crew.workers, len(jobs))):
            idle.put(stack.enter_context(SupervisedChild(budget, threads=1, keeps_freed_memory=True)))

        def work(number: int, shard: ShardJob[T]) -> None:
            child = idle.get()
            try:
                child.call(shard.job, overall.of(number), shard.argument)
            except OutOfMemory as error:
                raise MemoryError(f"a worker ran out of memory: {error.reason}") from error
            finally:
                idle.put(child)

        futures = [pool.submit(work, number, shard) for number, shard in enumerate(jobs)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stack.close()  # ends the workers, so the threads that wait for them end too
            raise


class _Overall:
    """Adds up how far the jobs are."""

    def __init__(self, jobs: Sequence[ShardJob[Any]], progress: Progress) -> None:
        self._sizes, self._total = [job.bytes for job in jobs], sum(job.bytes for job in jobs)
        self._done = [0.0] * len(jobs)
        self._progress, self._lock = progress, threading.Lock()

    def of(self, number: int) -> Progress:
        """The listener of one job."""

        def report(done: float, total: float | None, unit: str, note: str = "") -> None:
            with self._lock:
                self._done[number] = self._sizes[number] * done / total if total else 0.0
                self._progress(sum(self._done), self._total, "bytes", note)

        return report
