"""The flow runs that a worker of ours has in hand: ended in order before it stops, put right where one died unseen.

A worker that is stopped leaves its runs marked Running, and such a run holds its deployment's only place.
"""

import time
from typing import NamedTuple

import psutil
from prefect.client.base import PrefectHttpxSyncClient

from tasks.worker_watchdog import STARTED_BY_WORKER

UNFINISHED = ["RUNNING", "PENDING", "CANCELLING"]
TIMEOUT_SECONDS = 30.0  # a busy SQLite makes the server slow to answer
POLL_INTERVAL_SECONDS = 0.5


class WorkerRun(NamedTuple):
    """A flow run that a worker has begun."""

    id: str
    name: str
    pid: str  # of its process, "" where it has none yet


class WorkerRuns:
    """The unfinished flow runs of one work pool, over the server's API at `url`."""

    def __init__(self, url: str, pool: str) -> None:
        # it asks again where the server says 503, as it does while another process holds its SQLite
        self._client = PrefectHttpxSyncClient(base_url=url, timeout=TIMEOUT_SECONDS)
        self._pool = pool

    def unfinished(self) -> list[WorkerRun]:
        """Runs that a worker has begun and that have not ended. Raises httpx.HTTPError."""
        wanted = {
            "work_pools": {"name": {"any_": [self._pool]}},
            "flow_runs": {"state": {"type": {"any_": UNFINISHED}}},
        }
        answer = self._client.post("/flow_runs/filter", json=wanted).raise_for_status()
        return [WorkerRun(run["id"], run["name"], run["infrastructure_pid"] or "") for run in answer.json()]

    def workers(self) -> list[str]:
        """Names of the workers that look for work now. Raises httpx.HTTPError."""
        answer = self._client.post(f"/work_pools/{self._pool}/workers/filter", json={}).raise_for_status()
        return [worker["name"] for worker in answer.json() if worker["status"] == "ONLINE"]

    def pause(self, paused: bool) -> None:
        """Let no run begin, or let them begin again; what is scheduled stays so. Raises httpx.HTTPError."""
        self._client.patch(f"/work_pools/{self._pool}", json={"is_paused": paused}).raise_for_status()

    def end(self, seconds: float) -> int:
        """Cancel all runs and wait until each has saved and left; returns their number. Raises httpx.HTTPError."""
        self.pause(True)
        runs = self.unfinished()
        for run in runs:
            self._set_state(run, "CANCELLING", "the worker is being stopped; run it again to continue")
        deadline = time.monotonic() + seconds
        while self.unfinished() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL_SECONDS)
        return len(runs)

    def mark_crashed(self) -> list[str]:
        """Mark runs whose process is gone as crashed, so that others can begin; returns their names.

        Call it while no worker of this pool is at work on this machine. Raises httpx.HTTPError.
        """
        dead = [run for run in self.unfinished() if not _lives(run)]
        for run in dead:
            self._set_state(run, "CRASHED", "its process ended without a report; run it again to continue", force=True)
        return [run.name for run in dead]

    def _set_state(self, run: WorkerRun, kind: str, message: str, *, force: bool = False) -> None:
        state = {"type": kind, "name": kind.capitalize(), "message": message}
        self._client.post(f"/flow_runs/{run.id}/set_state", json={"state": state, "force": force}).raise_for_status()


def _lives(run: WorkerRun) -> bool:
    """Whether a run's process is there, and not another that was given its number since: it has the run's id."""
    try:
        process = psutil.Process(int(run.pid))
        return bool(process.environ().get(STARTED_BY_WORKER) == run.id)
    except psutil.AccessDenied:
        return True
    except (ValueError, psutil.Error):
        return False
