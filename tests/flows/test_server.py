"""The services behind `make up`: what they refuse, and how they put right what died unseen."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from prefect.client.base import PrefectHttpxSyncClient

from flows.worker_runs import WorkerRuns
from tasks.worker_watchdog import STARTED_BY_WORKER
from tests.conftest import PROJECT

POOL = "a-pool"


def server(*arguments: str, home: Path, url: str = "") -> "subprocess.CompletedProcess[str]":
    places = {"PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml")}
    return subprocess.run(
        [sys.executable, "-m", "flows.server", *arguments],
        cwd=PROJECT,
        env=os.environ | places | {"PREFECT_SERVER_API_PORT": str(urlsplit(url).port or 4200)},
        capture_output=True,
        text=True,
    )


def begin_run(client: PrefectHttpxSyncClient) -> "tuple[str, subprocess.Popen[bytes]]":
    """A flow run of a deployment on our pool that is marked Running in a process started for it; both of them."""
    flow = client.post("/flows/", json={"name": "a-flow"}).json()["id"]
    deployment = {"name": "a-deployment", "flow_id": flow, "work_pool_name": POOL}
    deployed = client.post("/deployments/", json=deployment).raise_for_status().json()["id"]
    run = client.post(f"/deployments/{deployed}/create_flow_run", json={}).raise_for_status().json()["id"]
    environment = os.environ | {STARTED_BY_WORKER: str(run)}
    process = subprocess.Popen([sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE)
    client.patch(f"/flow_runs/{run}", json={"infrastructure_pid": str(process.pid)}).raise_for_status()
    running = {"state": {"type": "RUNNING"}, "force": True}
    client.post(f"/flow_runs/{run}/set_state", json=running).raise_for_status()
    return str(run), process


def test_another_server_is_never_taken_over(tmp_path: Path, prefect_server: str) -> None:
    """A server that somebody else started on our port is left alone, and `make up` says what to do."""
    up = server("up", home=tmp_path / "home", url=prefect_server)
    assert up.returncode != 0
    assert "another Prefect server answers" in up.stderr
    assert "PREFECT_SERVER_API_PORT" in up.stderr
    assert httpx.get(f"{prefect_server}/health").is_success


def test_down_without_up_is_no_error(tmp_path: Path) -> None:
    """Whoever is not sure whether anything runs may ask for it to stop."""
    down = server("down", home=tmp_path / "home")
    assert (down.returncode, down.stdout.strip()) == (0, "Nothing was running.")


def test_a_run_whose_process_is_gone_is_marked_as_crashed(prefect_server: str) -> None:
    """After a power cut a dead run no longer holds its deployment's place, though another process has its number."""
    with PrefectHttpxSyncClient(base_url=prefect_server) as client:
        client.post("/work_pools/", json={"name": POOL, "type": "process"}).raise_for_status()
        (dead, gone), (alive, living), (stranger, own) = begin_run(client), begin_run(client), begin_run(client)
        try:
            gone.kill()
            gone.wait()
            client.patch(f"/flow_runs/{stranger}", json={"infrastructure_pid": str(os.getpid())}).raise_for_status()
            buried = WorkerRuns(prefect_server, POOL).mark_crashed()
        finally:
            living.kill()
            own.kill()

        def state(run: str) -> Any:
            return client.get(f"/flow_runs/{run}").json()["state_type"]

        assert len(buried) == 2
        assert (state(dead), state(alive), state(stranger)) == ("CRASHED", "RUNNING", "CRASHED")
