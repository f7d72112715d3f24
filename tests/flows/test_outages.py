"""What goes wrong around a run, with a real server and worker: outages, deaths, queues, nights that were missed."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from tests.flows.conftest import Services

LEASE_SECONDS = 30  # the least that Prefect allows; a place that is not kept by then is lost, and its run with it
ENVIRONMENT = {"PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": str(LEASE_SECONDS)}
OUTAGE_SECONDS = 45  # Prefect's worker has given up looking for cancellations by then, for good
pytestmark = [pytest.mark.operations, pytest.mark.timeout(900)]


def service(services: Services, name: str) -> psutil.Process:
    return next(process for process in services.processes() if ["prefect", name] == process.cmdline()[2:4])


def run_of(services: Services, run: str) -> dict[str, Any]:
    return dict(services.api(f"flow_runs/{run}"))


def training(services: Services, seed: int, steps: int = 1500) -> dict[str, Any]:
    """A run of `train/local` that has begun to save."""
    before = services.checkpoints()
    long = {"steps": steps, "validation_share": 0}  # and no early stop
    services.deploy("train/local", train=services.config(seed)["train"] | long)
    services.wait_for(lambda: services.trainings() and len(services.checkpoints()) > len(before))
    return services.newest_run()


def test_a_training_outlives_its_server_and_keeps_its_place(services: Services) -> None:
    """The server dies and returns: training goes on meanwhile, keeps its place, and hears a cancellation."""
    run = training(services, seed=11, steps=50_000)
    os.kill(service(services, "server").pid, signal.SIGKILL)
    saved = services.checkpoints()
    time.sleep(OUTAGE_SECONDS)
    assert services.checkpoints()[-1] > saved[-1]
    up = services.make("up")
    assert up.returncode == 0, up.stdout + up.stderr
    time.sleep(1.5 * LEASE_SECONDS)
    assert run_of(services, run["id"])["state_type"] == "RUNNING"
    assert services.trainings()
    assert services.prefect("flow-run", "cancel", run["id"]).returncode == 0
    services.wait_for(lambda: run_of(services, run["id"])["state_name"] == "Cancelled")
    services.wait_for(lambda: not services.trainings())
    assert services.record(run)["reason"] == "interrupted"


def test_a_run_that_dies_with_its_worker_does_not_hold_the_place(services: Services) -> None:
    """As after a power cut: `make up` marks it as crashed, and the same run again begins, from what was saved."""
    run = training(services, seed=12, steps=3000)
    saved = services.checkpoints()
    for process in services.processes():
        if "server" not in process.cmdline():
            process.kill()
    assert run_of(services, run["id"])["state_type"] == "RUNNING"
    up = services.make("up")
    assert f"{run['name']} had died" in up.stdout
    assert run_of(services, run["id"])["state_type"] == "CRASHED"
    again = training(services, seed=12, steps=3000)
    services.wait_for(lambda: run_of(services, again["id"])["state_type"] == "RUNNING")
    assert services.checkpoints()[-1] >= saved[-1]
    services.prefect("flow-run", "cancel", again["id"])
    services.wait_for(lambda: run_of(services, again["id"])["state_name"] == "Cancelled")


def test_a_killed_run_is_marked_as_crashed_and_its_training_is_gone(services: Services) -> None:
    """kill -9 of a run's own process: Prefect says Crashed, the training has saved and left, the place is free."""
    run = training(services, seed=13, steps=3000)
    os.kill(int(run_of(services, run["id"])["infrastructure_pid"]), signal.SIGKILL)
    services.wait_for(lambda: run_of(services, run["id"])["state_type"] == "CRASHED")
    services.wait_for(lambda: not services.trainings())
    assert services.checkpoints(), "what it had learned is kept"


def test_a_second_training_waits_for_the_first(services: Services) -> None:
    """Two at once of one deployment: the second waits in a state that says so, and is done when its turn comes."""
    first = training(services, seed=14, steps=600)
    services.deploy("train/local", train=services.config(15)["train"] | {"steps": 20})
    second = services.newest_run()
    services.wait_for(lambda: run_of(services, second["id"])["state_name"] == "AwaitingConcurrencySlot")
    assert run_of(services, first["id"])["state_type"] == "RUNNING"
    services.wait_for(lambda: run_of(services, first["id"])["state_type"] == "COMPLETED")
    services.wait_for(lambda: run_of(services, second["id"])["state_type"] == "COMPLETED")


def test_of_the_nights_that_were_missed_the_newest_is_run(services: Services) -> None:
    """Three runs are due when the worker wakes: one is done, two end as Missed, and never two at once."""
    deployment = services.api("deployments/name/pipeline/quick")["id"]
    parameters = {"config": services.config(), "until": "clean"}
    nights = []
    for hours in (50, 26, 2):
        moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}
        nights.append(
            services.api(f"deployments/{deployment}/create_flow_run", state=state, parameters=parameters)["id"]
        )
    services.wait_for(
        lambda: all(run_of(services, night)["state_type"] in ("CANCELLED", "COMPLETED") for night in nights)
    )
    assert [run_of(services, night)["state_name"] for night in nights] == ["Missed", "Missed", "Completed"]


def test_services_from_a_script_s_background_listen_to_down(services: Services) -> None:
    """Where an interrupt was ignored when they were started, they still end when they are asked to."""
    down = services.make("down")
    assert down.returncode == 0
    assert "did not stop" not in down.stdout
    assert services.processes() == []
