"""A flow run's process does not outlive the worker that started it: nobody could cancel it, or start it again."""

import os
import signal
import threading
import time

STARTED_BY_WORKER = "PREFECT__FLOW_RUN_ID"  # in the environment of a flow run that a worker started
LOOK_SECONDS = 1.0


def leave_with_the_worker() -> None:
    """Have this process told to end, as by a cancellation, when the worker is gone; training then saves.

    Does nothing in a process that no worker started, and on Windows, where a process keeps its parent's number.
    """
    if STARTED_BY_WORKER in os.environ and os.name != "nt":
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(worker: int) -> None:
    while os.getppid() == worker:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
