"""Jobs that know nothing of each other, done on several cores: each by a supervised child of its own, or all here.

A worker is capped and watched like a stage, and gone when this process is. Every job leaves its result in a file of its
own, so what comes of all of them does not depend on how many work.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

from lm.progress import Progress

SHARD_BYTES = 16 * 2**20  # of text in one job, about


class Job(NamedTuple):
    """A function of `shard_jobs.py`, how many bytes it works on, and what makes its arguments once its turn comes."""

    name: str
    bytes: int
    arguments: Callable[[], dict[str, Any]]  # JSON


class WorkerPool(NamedTuple):
    """How many work, and how much memory each may take. Alone, this process does all of it under its own cap."""

    workers: int = 1
    budget_bytes: int = 0  # of each


SEQUENTIAL = WorkerPool()


def run_jobs(jobs: Sequence[Job], crew: WorkerPool, progress: Progress) -> None:
    """Do all jobs; raise the first error that one of them raises, MemoryError where a worker ran out of memory."""
    overall = _Overall(jobs, progress)
    if crew.workers < 2 or len(jobs) < 2:
        from lm.supervision import shard_jobs

        for number, job in enumerate(jobs):
            getattr(shard_jobs, job.name)(overall.of(number), **job.arguments())
        return
    from lm.errors import OutOfMemory
    from lm.memory.budget import Budget
    from lm.supervision.supervisor import SupervisedChild

    budget = Budget(bytes=crew.budget_bytes, source="a worker's share")
    with ExitStack() as stack, ThreadPoolExecutor(min(crew.workers, len(jobs))) as pool:
        idle = queue.SimpleQueue[SupervisedChild]()
        for _ in range(min(crew.workers, len(jobs))):
            idle.put(stack.enter_context(SupervisedChild(budget, threads=1, keeps_freed_memory=True)))

        def work(number: int, job: Job) -> None:
            child = idle.get()
            try:
                child.call("shard", overall.of(number), name=job.name, arguments=job.arguments())
            except OutOfMemory as error:
                raise MemoryError(f"a worker ran out of memory: {error.reason}") from error
            finally:
                idle.put(child)

        futures = [pool.submit(work, number, job) for number, job in enumerate(jobs)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stack.close()  # ends the workers, so the threads that wait for them end too
            raise


class _Overall:
    """Adds up how far the jobs are."""

    def __init__(self, jobs: Sequence[Job], progress: Progress) -> None:
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
