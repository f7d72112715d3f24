"""A laptop that slept through several nights: the newest of the missed runs is done, the others are left out."""

from datetime import UTC, datetime, timedelta

from prefect.client.base import PrefectHttpxSyncClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.superseded_runs import later_one


def test_only_the_newest_of_the_missed_runs_is_done(prefect_server: str) -> None:
    """Three nights are due: two see a later one, the last does not; other parameters and the future do not count."""
    with (
        PrefectHttpxSyncClient(base_url=prefect_server) as client,
        temporary_settings({PREFECT_API_URL: prefect_server}),
    ):
        flow = client.post("/flows/", json={"name": "nights"}).json()["id"]
        deployment = client.post("/deployments/", json={"name": "nightly", "flow_id": flow}).json()["id"]

        def due(hours: float, minutes: int = 60) -> dict[str, str]:
            moment = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
            state = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}
            content = {"state": state, "parameters": {"config": {"minutes": minutes}}}
            return dict(
                client.post(f"/deployments/{deployment}/create_flow_run", json=content).raise_for_status().json()
            )

        nights = [due(-50), due(-26), due(-2)]
        due(-1, minutes=5)
        due(+22)
        assert [later_one(night["id"]) is not None for night in nights] == [True, True, False]
