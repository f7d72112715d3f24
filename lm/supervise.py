"""The parent's side of a supervised child: starts it under a cap, watches its memory and the machine's, ends it.

A cap inside the child stops one huge allocation; watching from outside catches slow growth, other programs and
descendants. Neither alone holds a limit: between two looks memory grows by hundreds of megabytes.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import psutil

from lm import errors
from lm.memory import SOFT_SHARE, Budget, available_bytes, format_bytes, process_bytes, tree_bytes
from lm.progress import Progress, silent

WATCH_INTERVAL_SECONDS = 0.05
LOOK_INTERVAL_SECONDS = 0.25  # at descendants and the machine, which costs a millisecond
RESERVE_SHARE = 0.03  # of the machine: below it available memory means that somebody else needs it now
SAVE_SECONDS = 15.0
KEPT_ERROR_LINES = 60
KEPT_SAMPLES = 1000  # beyond that every second one goes, and they are taken half as often

# glibc: no page is given back between two training steps, only to be asked for again in the next.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TOP_PAD_": str(16 * 2**20),
}


class MemorySample(NamedTuple):
    """One look at memory, in bytes; `seconds` on the monotonic clock."""

    seconds: float
    tree_bytes: int
    orchestrator_bytes: int
    available_bytes: int


class OutOfMemory(Exception):
    """The child reached its budget or the machine's end, at `peak_bytes`."""

    def __init__(self, reason: str, peak_bytes: int) -> None:
        super().__init__(reason)
        self.reason, self.peak_bytes = reason, peak_bytes


class SupervisedChild:
    """A child process that does jobs of `lm.jobs`, one at a time, within a budget. Use it as a context manager."""

    def __init__(self, budget: Budget, *, threads: int = 0, trains: bool = False) -> None:
        """`threads`: of torch, 0 for its own choice; `trains`: whether speed wants freed memory to be kept."""
        self.budget = budget
        self.samples: list[MemorySample] = []
        self.peak_bytes = 0
        self._memory_reason: str | None = None
        self._sample_interval_seconds = LOOK_INTERVAL_SECONDS
        self._sending = threading.Lock()
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._error_lines: deque[str] = deque(maxlen=KEPT_ERROR_LINES)
        project = str(Path(__file__).parent.parent)
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, [project, os.environ.get("PYTHONPATH")])),
            "TOKENIZERS_PARALLELISM": "false",
            "ARROW_DEFAULT_MEMORY_POOL": "system",  # mimalloc reserves a GiB at once, which a cap counts
        }
        if trains:
            environment |= KEEP_FREED_MEMORY
        if threads:
            environment |= {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lm.child", str(budget.bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        self._watched = psutil.Process(self._process.pid)
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._listen, self._keep_errors, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, job: str, progress: Progress = silent, **arguments: Any) -> Any:
        """Have the child do a job and return its JSON value.

        Raises what the child reports as the matching `SlowburnError`, and `OutOfMemory` when memory was the end of it.
        When this call is interrupted, the child gets the time to save before it is ended.
        """
        try:
            self._send({"job": job, "arguments": arguments})
            while True:
                event = self._events.get()
                if event is None:
                    raise self._death()
                if event["event"] == "progress":
                    progress(event["done"], event["total"], event["unit"], event["note"])
                    continue
                self.peak_bytes = max(self.peak_bytes, event["peak_memory_bytes"])
                if event["event"] == "result":
                    return event["value"]
                raise self._failure(event)
        except BaseException as error:
            if not isinstance(error, Exception):  # Ctrl-C, or Prefect's cancellation: the child gets to save
                self.close(SAVE_SECONDS)
            raise

    def close(self, grace_seconds: float = 2.0) -> None:
        """End the child: ask, wait, then kill it with all its descendants. A child that is gone stays gone."""
        assert self._process.stdin
        if not self._process.stdin.closed:
            self._send({"stop": "asked to stop"})
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
        for thread in self._threads:
            thread.join(1)

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin
        with self._sending, suppress(BrokenPipeError):  # a dead child is reported when its events end
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._process.wait()
        self._events.put(None)

    def _keep_errors(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._error_lines.append(line.rstrip())

    def _watch(self) -> None:
        """Look at the tree many times a second, at its descendants and the machine a few times; act on the limits."""
        reserve_bytes = int(psutil.virtual_memory().total * RESERVE_SHARE)
        next_look, descendants_bytes, available = 0.0, 0, available_bytes()
        while self._process.poll() is None:
            now = time.monotonic()
            tree = process_bytes(self._watched) + descendants_bytes
            if now >= next_look:
                tree, available = tree_bytes(self._watched), available_bytes()
                descendants_bytes = max(0, tree - process_bytes(self._watched))
                self._keep_sample(MemorySample(now, tree, max(0, tree_bytes(psutil.Process()) - tree), available))
                next_look = now + LOOK_INTERVAL_SECONDS
            self.peak_bytes = max(self.peak_bytes, tree)
            self._act(tree, available, reserve_bytes)
            time.sleep(WATCH_INTERVAL_SECONDS)

    def _keep_sample(self, sample: MemorySample) -> None:
        """Keep samples evenly spaced, and never very many: every second one goes whenever there are."""
        if self.samples and sample.seconds - self.samples[-1].seconds < self._sample_interval_seconds:
            return
        self.samples.append(sample)
        if len(self.samples) > KEPT_SAMPLES:
            self.samples = self.samples[::2]
            self._sample_interval_seconds *= 2

    def _act(self, tree: int, available: int, reserve_bytes: int) -> None:
        """Kill beyond the budget; ask to save just below it, and when others need the machine's last memory."""
        if tree > self.budget.bytes:
            self._memory_reason = f"it grew to {format_bytes(tree)}"
            self._kill()
        elif self._memory_reason is None and tree > SOFT_SHARE * self.budget.bytes:
            self._memory_reason = f"it grew to {format_bytes(tree)}"
            self._send({"stop": "memory"})
        elif self._memory_reason is None and available < reserve_bytes:
            self._memory_reason = f"other programs left only {format_bytes(available)} of this machine's memory"
            self._send({"stop": "memory"})

    def _kill(self) -> None:
        with suppress(psutil.Error):
            for process in [*self._watched.children(recursive=True), self._watched]:
                with suppress(psutil.Error):
                    process.kill()

    def _failure(self, event: dict[str, Any]) -> Exception:
        """The exception for an error that the child reported."""
        kind, message = event["kind"], event["message"]
        if kind == "memory":
            return OutOfMemory(f"it was refused more at {format_bytes(self.peak_bytes)}", self.peak_bytes)
        if kind == "Stopped" and self._memory_reason:
            return OutOfMemory(self._memory_reason, self.peak_bytes)
        if kind == "crash":
            return errors.Crash(f"an error in Slowburn itself: {message}", "\n".join(self._error_lines))
        failure: type[errors.SlowburnError] = getattr(errors, kind, errors.SlowburnError)
        return failure(message)

    def _death(self) -> Exception:
        """The exception for a child that died without a word."""
        code = self._process.returncode
        if self._memory_reason:
            return OutOfMemory(self._memory_reason, self.peak_bytes)
        near_limit = self.peak_bytes > 0.8 * self.budget.bytes or any("bad_alloc" in x for x in self._error_lines)
        if near_limit and code in (-6, -9, -11, 127):
            return OutOfMemory(f"it died at {format_bytes(self.peak_bytes)}", self.peak_bytes)
        if code == -9:
            return errors.Stopped("the worker process was killed from outside; run the same command to continue")
        return errors.Crash(f"the worker process died with code {code}", "\n".join(self._error_lines))
