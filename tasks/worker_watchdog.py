"""A flow run's process ends when nobody else can end it: without its worker, or where the worker is deaf to a cancel.

Prefect's worker stops looking for cancellations for good once the server was away for half a minute.
"""

import os
import signal
import threading
import time
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectException

STARTED_BY_WORKER = "PREFECT__FLOW_RUN_ID"  # in the environment of a flow run that a worker started
POLL_INTERVAL_SECONDS = 1.0
ASK_SECONDS = 4.0
LOOKS = 3  # at a run that is to be cancelled: a worker that hears has ended it by then
_cancelled = threading.Event()


def watch_worker() -> None:
    """Have this process told to end, as by a cancellation, when the worker is gone or deaf; training then saves.

    Does nothing in a process that no worker started, and on Windows, where a process keeps its parent's number.
    """
    if (run := os.environ.get(STARTED_BY_WORKER)) and os.name != "nt":
        threading.Thread(target=_watch_worker, args=(os.getppid(),), daemon=True).start()
        threading.Thread(target=_heed_cancellation, args=(UUID(run),), daemon=True).start()


def was_cancelled() -> bool:
    """Whether a worker's run is being cancelled: it says so itself, seconds before its worker would, if that hears."""
    run = os.environ.get(STARTED_BY_WORKER)
    if run is None:
        return False
    if _cancelled.is_set():
        return True
    with get_client(sync_client=True) as client:
        return _is_cancelling(client, UUID(run))


def _watch_worker(worker: int) -> None:
    while os.getppid() == worker:
        time.sleep(POLL_INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _heed_cancellation(run: UUID) -> None:
    seen = 0
    with get_client(sync_client=True) as client:
        while seen < LOOKS:
            time.sleep(ASK_SECONDS)
            seen = seen + 1 if _is_cancelling(client, run) else 0
    _cancelled.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _is_cancelling(client: SyncPrefectClient, run: UUID) -> bool:
    """What the server says; no where it is away: training goes on."""
    try:
        state = client.read_flow_run(run).state
    except (httpx.HTTPError, PrefectException):
        return False
    return state is not None and state.is_cancelling()
