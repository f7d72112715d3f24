"""The parent's side of a supervised child: starts it under a cap, has it watched, talks to it, ends it.

A cap inside the child stops one huge allocation; watching from outside (`watch.py`) catches slow growth, other programs
and descendants. Neither alone holds a limit: between two looks memory grows by hundreds of megabytes.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import psutil

from lm import errors
from lm.errors import OutOfMemory
from lm.formatting import format_bytes, format_duration
from lm.hardware.cores import cores_by_quota
from lm.memory.budget import Budget
from lm.memory.headroom import oom_kills
from lm.progress import Progress
from lm.store.layout import entering_modules
from lm.supervision.cgroup import MemoryCgroup
from lm.supervision.job import Job
from lm.supervision.messages import MEMORY, Event, Failed, Request
from lm.supervision.sign_of_life import MAX_SILENT_SECONDS, POLL_INTERVAL_SECONDS, SignOfLife
from lm.supervision.watch import MemorySample, MemoryWatch

SAVE_SECONDS = 15.0
KILL_SECONDS = 5.0  # after which a killed process is left to the kernel, which waits for a disk that does not answer
KEPT_ERROR_LINES = 60
ERRORS_SECONDS = 1.0  # for the last of them to arrive: a descendant may keep their pipe open
KILLED = -9  # the return code of a process that the kernel or somebody ended at once
ABORTED = (-6, -11, 127)  # of one whose libraries gave up: what some do when they are refused memory

# glibc: no page is given back between two steps of training or two batches of text, only to be asked for again.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TOP_PAD_": str(16 * 2**20),
}
# glibc: what alignment leaves beside an array is joined with it when it is freed, not cached for small things: without
# it the place would be too small for the next array of that size.
JOIN_FREED_MEMORY = ("glibc.malloc.tcache_count=0", "glibc.malloc.mxfast=0")

START_CHILD = Path(__file__).with_name("start_child.py")

P = ParamSpec("P")
R = TypeVar("R")


class SupervisedChild:
    """A child process that does one job (`job.py`) after another within a budget. Use it as a context manager."""

    def __init__(
        self,
        budget: Budget,
        *,
        threads: int = 0,
        keeps_freed_memory: bool = False,
        tell: Callable[[str], object] = lambda note: None,
    ) -> None:
        """Start it.

        `threads`: of torch, 0 for its own choice; `keeps_freed_memory`: for speed; `tell` is given what the user should
        know.
        """
        self.budget, self._tell = budget, tell
        self._reported_peak_bytes = 0
        self._kills_before = oom_kills()
        self._requests = queue.SimpleQueue[Request | None]()
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._error_lines: deque[str] = deque(maxlen=KEPT_ERROR_LINES)
        environment = os.environ | {
            "GLIBC_TUNABLES": ":".join(filter(None, [os.environ.get("GLIBC_TUNABLES"), *JOIN_FREED_MEMORY])),
            "PYTHONIOENCODING": "utf-8",  # of what it is told and tells, whatever the terminal has
            "TOKENIZERS_PARALLELISM": "false",
            "ARROW_DEFAULT_MEMORY_POOL": "system",  # mimalloc reserves a GiB at once, which a cap counts
            "OPENBLAS_NUM_THREADS": "1",  # numpy writes texts: small products, whose threads would wait for each other
        }
        if keeps_freed_memory:
            environment |= KEEP_FREED_MEMORY
        if threads := threads or ("OMP_NUM_THREADS" not in os.environ and cores_by_quota()):
            environment |= {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self._process = subprocess.Popen(
            [sys.executable, str(START_CHILD), str(budget.bytes), json.dumps(_import_path()), *entering_modules()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        self.cgroup = MemoryCgroup.around(self._process.pid, budget.bytes)
        talk = (self._write, self._listen, self._keep_errors)
        self._threads = [threading.Thread(target=work, daemon=True) for work in talk]
        for thread in self._threads:
            thread.start()
        self._child = psutil.Process(self._process.pid)
        self._watch = MemoryWatch(self._child, budget, lambda: self._process.poll() is None, self._send)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def samples(self) -> list[MemorySample]:
        """Looks at memory so far, evenly spaced."""
        return self._watch.samples

    @property
    def peak_bytes(self) -> int:
        """The most memory the child and its descendants were seen to hold."""
        return max(self._reported_peak_bytes, self._watch.peak_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, job: Job[P, R], progress: Progress, *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the child do a job and return its result.

        Raises what the child reports as the matching `SlowburnError`, `OutOfMemory` when memory was the end of it, and
        `Stopped` where the child showed no sign of life any more.
        When this call is interrupted, the child gets the time to save before it is ended.
        """
        try:
            self._send({"ask": "do", "job": job.name, "arguments": job.encode(*args, **kwargs)})
            while True:
                event = self._next_event()
                if event is None:
                    raise self._death()
                if event["event"] == "progress":
                    progress(event["done"], event["total"], event["unit"], event["note"])
                    continue
                if event["event"] == "shrunk":
                    self._watch.shrunk()
                    self._tell(event["note"])
                    continue
                self._reported_peak_bytes = max(self._reported_peak_bytes, event["peak_memory_bytes"])
                if event["event"] == "result":
                    return job.decode(event["value"])
                raise self._failure(event)
        except BaseException as error:
            if not isinstance(error, Exception):  # Ctrl-C, or Prefect's cancellation: the child gets to save
                self.close(SAVE_SECONDS)
            raise

    def ask_to_stop(self, reason: str) -> None:
        """Have the job at hand save and end early: its call then raises Stopped with this reason."""
        self._send({"ask": "stop", "reason": reason})

    def close(self, grace_seconds: float = 2.0) -> None:
        """End the child: ask, wait, then kill it with all its descendants. A child that is gone stays gone."""
        self._send({"ask": "stop", "reason": "asked to stop"})
        self._requests.put(None)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
        for thread in (*self._threads, self._watch.thread):
            thread.join(1)
        if self.cgroup:
            self.cgroup.remove()

    def _send(self, request: Request) -> None:
        self._requests.put(request)

    def _next_event(self) -> Event | None:
        """The next event, None where the child is dead. Raises Stopped where it shows no sign of life."""
        life: SignOfLife | None = None
        while True:
            with suppress(queue.Empty):
                return self._events.get(timeout=POLL_INTERVAL_SECONDS)
            life = life or SignOfLife(self._child)
            if life.is_missing():
                self._kill()
                raise errors.Stopped(
                    f"the worker process showed no sign of life for {format_duration(MAX_SILENT_SECONDS)} and was "
                    "ended; what was saved is kept: run the same command to continue"
                )

    def _kill(self) -> None:
        self._watch.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)

    def _write(self) -> None:
        """Write requests: a child that does not read them holds up nobody else."""
        assert self._process.stdin
        with suppress(OSError), self._process.stdin as pipe:  # a dead child is reported when its events end
            while (request := self._requests.get()) is not None:
                pipe.write(json.dumps(request) + "\n")
                pipe.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as pipe:
            for line in pipe:
                self._events.put(json.loads(line))
        self._process.wait()
        self._events.put(None)

    def _keep_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as pipe:
            for line in pipe:
                self._error_lines.append(line.rstrip())

    def _failure(self, event: Failed) -> Exception:
        """The exception for an error that the child reported."""
        kind, message = event["kind"], event["message"]
        if kind == MEMORY:
            refused = f"it could get no more memory at {format_bytes(self.peak_bytes)}"
            return OutOfMemory(self._watch.crossing or refused, self.peak_bytes)
        if kind in ("Stopped", "Interrupted") and self._watch.reason:
            return self._out_of_memory(self._watch.reason)
        if kind == "crash":
            return errors.Crash(f"an error in Slowburn itself: {message}", "\n".join(self._error_lines))
        failure: type[errors.SlowburnError] = getattr(errors, kind, errors.SlowburnError)
        return failure(message)

    def _death(self) -> Exception:
        """The exception for a child that died without a word."""
        code = self._process.returncode
        *_, error_reader = self._threads
        error_reader.join(ERRORS_SECONDS)  # what it said last may say why
        if self._watch.reason:
            return self._out_of_memory(self._watch.reason)
        held = format_bytes(self.peak_bytes)
        if code == KILLED and self._kernel_killed():
            return OutOfMemory(f"the kernel killed it at {held} because memory was short", self.peak_bytes)
        if code == KILLED:
            return errors.Stopped("the worker process was killed from outside; run the same command to continue")
        if any(map(errors.is_no_thread, self._error_lines)):
            return errors.SlowburnError(errors.NO_PROCESS)
        near_limit = self.peak_bytes > 0.8 * self.budget.bytes or any("bad_alloc" in x for x in self._error_lines)
        if near_limit and code in ABORTED:
            return OutOfMemory(f"it died at {held}", self.peak_bytes)
        return errors.Crash(f"the worker process died with code {code}", "\n".join(self._error_lines))

    def _out_of_memory(self, reason: str) -> OutOfMemory:
        return OutOfMemory(reason, self.peak_bytes, ours=self._watch.ours)

    def _kernel_killed(self) -> bool:
        """Whether the kernel ended a process for want of memory while the child ran: else somebody killed it."""
        return oom_kills() > self._kills_before or bool(self.cgroup and self.cgroup.oom_kills())


def _import_path() -> list[str]:
    """Where this process finds modules, and in any case where it found this one."""
    return list(dict.fromkeys([*map(str, sys.path), str(START_CHILD.parents[2])]))
