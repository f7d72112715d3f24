"""A word to a person when a run fails, stops, or changes the champion: a POST to a webhook, off unless one is named.

The body is JSON with `text`, which Slack, Mattermost and Rocket.Chat show as it is, and the facts beside it for
whatever else listens. The address is a secret: it comes from the environment and is never logged or stored.
"""

import os
from typing import Any

import httpx
from prefect.logging import get_run_logger

from lm.pipeline.session import Session
from lm.store.files import SCHEMA_VERSION
from tasks.publish import publish

WEBHOOK = "SLOWBURN_WEBHOOK"  # the address; without it nobody is told
SECONDS = 4.0
WORTH_A_WORD = ("stopped", "failed")


def notify_run(session: Session) -> None:
    """Tell of a run that failed or stopped, or that changed the champion; of others there is nothing to tell."""
    run = session.record
    if run.status in WORTH_A_WORD:
        _send(run_id=run.run_id, event=run.status, text=f"Slowburn: run {run.run_id} {run.status}: {run.reason}")
    elif run.decision.startswith("promoted"):
        _send(run_id=run.run_id, event="promoted", text=f"Slowburn: run {run.run_id} {run.decision}")


def _send(**facts: Any) -> None:
    """Post it within seconds; a webhook that does not answer holds up nothing."""
    if address := os.environ.get(WEBHOOK):
        publish(lambda: _post(address, {"schema_version": SCHEMA_VERSION, **facts}))


def _post(address: str, content: dict[str, Any]) -> None:
    try:
        httpx.post(address, json=content, timeout=SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        status = f" ({error.response.status_code})" if isinstance(error, httpx.HTTPStatusError) else ""
        get_run_logger().warning("nobody was told: the webhook answered with %s%s", type(error).__name__, status)
