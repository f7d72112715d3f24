"""Jobs of a few lines, each of which ends in a way of its own."""

import errno
import os
import sys
import time

from lm.errors import BadInput, Interrupted, Stopped
from lm.supervision.job import job
from lm.supervision.job_context import JobContext

NOT_A_JOB = 42
MIB = 2**20


@job
def double(context: JobContext, number: int) -> int:
    """Print what a library might, report progress, and return twice the number."""
    print("a line that is no event", flush=True)
    os.write(1, b'{"event": "result", "value": 0}\n')
    context.progress(1, 1, "numbers")
    return 2 * number


@job
def fail(context: JobContext, how: str) -> None:
    """Raise an error of this kind."""
    raise {
        "bad input": BadInput("got this, expected that"),
        "memory": MemoryError("no room"),
        "arrow": RuntimeError("malloc of size 64 failed: Cannot allocate memory"),
        "disk": OSError(errno.ENOSPC, "No space left on device", "/somewhere/file"),
        "fault": ValueError("an index is wrong"),
    }[how]


@job
def hold(context: JobContext, mebibytes: int, seconds: float) -> int:
    """Hold memory for a while, and return what was asked of the job meanwhile: 1 to shrink."""
    kept = bytearray(os.urandom(1)) * (mebibytes * MIB)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and context.shrink_reason is None:
        time.sleep(0.01)
    return int(context.shrink_reason is not None and len(kept) > 0)


@job
def work_until_stopped(context: JobContext, stops_itself: bool) -> None:
    """Work on until it is asked to stop: then save and leave, or know nothing of it."""
    context.stops_itself = stops_itself
    for step in range(100_000):
        context.progress(step, 100_000, "steps")
        if stops_itself and context.stop_reason:
            raise Stopped(f"{context.stop_reason}: saved")
        time.sleep(0.01)


@job
def ignore_everything(context: JobContext) -> None:
    """Go on whatever is asked."""
    context.stops_itself = True
    context.progress(1, 1, "steps")
    while True:
        try:
            time.sleep(60)
        except Interrupted:
            continue


@job
def die(context: JobContext, code: int) -> None:
    """End this process at once, with a word on standard error."""
    print("std::bad_alloc" if code == 127 else "gave up", file=sys.stderr, flush=True)
    os._exit(code)
