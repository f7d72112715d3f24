"""Schedules that were missed while the machine slept: of all that are due at once, only the newest is run."""

from datetime import UTC, datetime, timedelta

import httpx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled

SECOND = timedelta(seconds=1)
DUE_OR_DONE = ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]  # a worker may take the newest first


def state_if_superseded() -> State[None] | None:
    """The state for a run whose deployment has a later one that is due or done and asks for the same; else None.

    A server that does not answer is no reason not to run.
    """
    if deployment.id is None:
        return None
    try:
        later = later_one(str(flow_run.get_id()))
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("it is not known whether this run was missed: %s", error)
        return None
    if later is None:
        return None
    return Cancelled(name="Missed", message=f"{later} is due as well and asks for the same: this one is left out")


def later_one(flow_run_id: str) -> str | None:
    """The name of a run of the same deployment with the same parameters that was due later, and is due by now."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(flow_run_id)  # type: ignore[arg-type]  # a string will do
        due = run.expected_start_time or datetime.now(UTC)
        wanted = {
            "deployment_id": {"any_": [run.deployment_id]},
            "state": {"type": {"any_": DUE_OR_DONE}},
            "expected_start_time": {"after_": due + SECOND, "before_": datetime.now(UTC)},
        }
        later = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))
        return next((other.name for other in later if other.parameters == run.parameters), None)
