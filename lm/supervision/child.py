"""The supervised child: does one job after another for its parent, under a memory cap, and never outlives it.

Started by `start_child.py`. Requests come as JSON lines on standard input. Events go as JSON lines to the original
standard output; whatever libraries print goes to standard error. A signal, a stop request and the death of the parent
all mean the same: finish the step at hand, save, leave.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

from lm.errors import NO_PROCESS, Interrupted, SlowburnError, explained, is_no_thread
from lm.hardware.cores import chosen_cores
from lm.memory.usage import is_refusal, own_peak_bytes
from lm.store.layout import enter_all
from lm.supervision.job import job_named
from lm.supervision.messages import MEMORY, DoJob, Event, Failed, Request
from lm.supervision.omp_wait_policy import STACKS_BYTES, OmpWaitPolicy

PROGRESS_INTERVAL_SECONDS = 0.2
# Thread stacks and what allocators reserve ahead: measured 118 MiB on two threads, without those of ThreadWaits.
UNTOUCHED_BYTES = 128 * 2**20 + 2 * STACKS_BYTES
WAITING_VARIABLES = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}  # by which users say how threads wait
SAVE_SECONDS = 10.0  # how long an orphan may take to save what it has


T = TypeVar("T")


class Child:
    """One end of the conversation with the parent; to a job it is the `JobContext`."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        self._sending = threading.Lock()
        self._last_progress = 0.0
        self._requests: list[DoJob | None] = []  # None: leave
        self._arrived = threading.Condition()
        self._thread_waits = OmpWaitPolicy()
        self.stop_reason: str | None = None
        self.shrink_reason: str | None = None
        self.stops_itself = False
        self._stack = ExitStack()
        self._kept: dict[type[Any], Any] = {}

    def send(self, event: Event) -> None:
        """Send one event; a parent that is gone is nobody to tell."""
        with self._sending, suppress(BrokenPipeError):
            self._events.write(json.dumps(event) + "\n")
            self._events.flush()

    def progress(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Report progress to the parent, at most a few times a second."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL_SECONDS or done == total:
            self._last_progress = now
            self.send({"event": "progress", "done": done, "total": total, "unit": unit, "note": note})

    def tell_shrunk(self, note: str) -> None:
        """Tell the parent that the job goes on with less memory."""
        self.send({"event": "shrunk", "note": note})

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Hold something open until this process leaves, or `close` is called."""
        return self._stack.enter_context(manager)

    def close(self) -> None:
        """Close what `enter` holds open."""
        self._stack.close()

    def keep(self, value: object) -> None:
        """Keep a value for a later job, by its type."""
        self._kept[type(value)] = value

    def kept(self, kind: type[T]) -> T:
        """Return the value of this type that an earlier job kept."""
        value: T = self._kept[kind]
        return value

    def use_torch(self) -> None:
        """Load torch, whose libraries are resident but no data, and set the cap anew to match."""
        gc.disable()  # a library is no garbage: to look through it as it loads takes a tenth of the time
        import torch

        gc.freeze()
        gc.enable()
        if "OMP_NUM_THREADS" in os.environ:
            torch.set_num_threads(chosen_cores())
        self.cap_anew()
        if torch.get_num_threads() > 1 and not WAITING_VARIABLES & os.environ.keys():
            self._thread_waits.watch()

    def cap_anew(self) -> None:
        """Set the memory cap to match what is loaded by now."""
        cap_memory(self.budget_bytes)

    def stop(self, reason: str) -> None:
        """Ask the job at hand to save and leave."""
        self.stop_reason = self.stop_reason or reason

    def on_signal(self, number: int, frame: object) -> None:
        """SIGTERM and SIGINT: a job that cannot save by itself is left at once, its partial folder swept."""
        self.stop("asked to stop")
        if not self.stops_itself:
            raise Interrupted("interrupted")

    def listen(self) -> None:
        """Take requests from the parent until it closes the pipe or dies."""
        for line in sys.stdin:
            request: Request = json.loads(line)
            if request["ask"] == "do":
                self._enqueue(request)
            elif request["ask"] == "shrink":
                self.shrink_reason = request["reason"]
            else:
                self.stop(request["reason"])
                if request["reason"] == MEMORY and not self.stops_itself:
                    os.kill(os.getpid(), signal.SIGTERM)  # the job at hand is left at once
        self.stop("the parent process is gone")
        self._enqueue(None)
        if self.stops_itself:
            time.sleep(SAVE_SECONDS)
        os._exit(Interrupted.exit_code)

    def _enqueue(self, request: DoJob | None) -> None:
        with self._arrived:
            self._requests.append(request)
            self._arrived.notify()

    def next_request(self) -> DoJob | None:
        """Wait for the next job that is asked for; None when it is time to leave."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._requests)
            return self._requests.pop(0)


def cap_memory(budget_bytes: int) -> None:
    """Let this process's data grow by what its budget still allows, and no further (Linux; elsewhere only watched).

    RLIMIT_DATA counts data that is reserved while the budget counts memory that is resident, libraries included, so
    the cap is set relative to what both are now, with some room for what is reserved and never touched; call it again
    once more is loaded. What slips through that room the watching parent catches. A lower `ulimit -d` stays as it is.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    status = Path("/proc/self/status").read_text()
    data_bytes, resident_bytes = (int(status.split(f"{name}:")[1].split()[0]) * 1024 for name in ("VmData", "VmRSS"))
    limit = data_bytes + max(0, budget_bytes - resident_bytes) + UNTOUCHED_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)  # as it was inherited: only the system's owner can raise it
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def first_in_line_for_the_kernel() -> None:
    """If the machine runs out after all, let the kernel take this process and not an innocent one."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def describe(error: BaseException) -> Failed:
    """Turn an exception into the event that tells the parent."""
    if isinstance(error, OSError) and error.errno is not None and not is_refusal(error):
        error = explained(error)
    kind, text = "crash", f"{type(error).__name__}: {error}".splitlines()[0]
    if isinstance(error, SlowburnError):
        kind, text = type(error).__name__, str(error)
    elif is_refusal(error):
        kind = MEMORY
    elif is_no_thread(text):
        kind, text = SlowburnError.__name__, NO_PROCESS
    else:
        traceback.print_exception(error)
    return {"event": "error", "kind": kind, "message": text, "peak_memory_bytes": own_peak_bytes()}


def serve(child: Child) -> None:
    """Do what the parent asks until it asks to leave."""
    while request := child.next_request():
        try:
            value = job_named(request["job"]).run(child, request["arguments"])
        except BaseException as error:  # whatever it was, the parent gets to know it
            child.send(describe(error))
        else:
            child.send({"event": "result", "value": value, "peak_memory_bytes": own_peak_bytes()})


def main(budget_bytes: int, modules: Iterable[str]) -> None:
    """Set the limits, import the modules that enter the stages that the parent knows, then serve."""
    child = Child(budget_bytes)
    first_in_line_for_the_kernel()
    cap_memory(child.budget_bytes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, child.on_signal)
    threading.Thread(target=child.listen, daemon=True).start()
    enter_all(modules)
    with suppress(Interrupted):
        serve(child)
