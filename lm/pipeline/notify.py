"""A word to a person when a run fails, stops, or changes the champion: a POST to a webhook, off unless one is named.

The body is JSON with `text`, which Slack, Mattermost and Rocket.Chat show as it is, and the facts beside it for
whatever else listens. The address is a secret: it comes from the environment and is never logged or stored.
"""

import os
import threading
from collections.abc import Callable

from lm.config import JsonObject
from lm.pipeline.session import Session
from lm.store.files import SCHEMA_VERSION

WEBHOOK = "SLOWBURN_WEBHOOK"  # the address; without it nobody is told
ANSWER_SECONDS = 4.0
TIMEOUT_SECONDS = 5.0  # in which it is done or given up
WORTH_A_WORD = ("stopped", "failed")


def notify_run(session: Session) -> None:
    """Tell of a run that failed or stopped, or that changed the champion; of others there is nothing to tell."""
    run, tell = session.record, session.listener.tell
    if run.status in WORTH_A_WORD:
        _send(tell, run_id=run.run_id, event=run.status, text=f"Slowburn: run {run.run_id} {run.status}: {run.reason}")
    elif run.decision.startswith("promoted"):
        _send(tell, run_id=run.run_id, event="promoted", text=f"Slowburn: run {run.run_id} {run.decision}")


def _send(tell: Callable[[str], None], **facts: str) -> None:
    """Post it within seconds; a webhook that does not answer holds up nothing."""
    if address := os.environ.get(WEBHOOK):
        problems: list[str] = []
        content: JsonObject = {"schema_version": SCHEMA_VERSION, **facts}
        thread = threading.Thread(target=_post, args=(address, content, problems), daemon=True)
        thread.start()
        thread.join(TIMEOUT_SECONDS)
        for problem in ["it did not answer"] if thread.is_alive() else problems:
            tell(f"the webhook of {WEBHOOK} could not be called: {problem}")


def _post(address: str, content: JsonObject, problems: list[str]) -> None:
    import httpx  # a third of a second, for those who name a webhook

    try:
        httpx.post(address, json=content, timeout=ANSWER_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # without its words: they hold the address
        status = f" {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else ""
        problems.append(f"{type(error).__name__}{status}")
