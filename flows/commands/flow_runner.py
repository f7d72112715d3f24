"""A flow from a terminal: with no server to start, its words for a person, and an error that means how it ended."""

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.cli.prefect_database import check_database
from flows.cli.prefect_settings import check_home
from flows.terminal import Terminal
from lm.errors import CannotFit, SlowburnError, Stopped
from lm.text.addresses import without_secrets
from tasks import run_logging as listen

SERVER_TIMEOUT_SECONDS = 3.0
SERVER_DID_NOT_START = "Timed out while attempting to connect to ephemeral Prefect API server"
REFUSED = (401, 403)


def run_flow(command: str, terminal: Terminal, flow: Callable[[], State[Any]]) -> None:
    """Run a flow. Raises SlowburnError where it does not complete."""
    try:
        with ExitStack() as stack:
            stack.enter_context(temporary_settings(_server_settings()))
            _quiet_prefect()
            if not PREFECT_API_URL.value():
                _start_embedded_server()
            listen.terminal.set(terminal)
            listen.command.set(without_secrets(command))
            state = flow()
    except RuntimeError as error:
        if SERVER_DID_NOT_START not in str(error):
            raise
        raise Stopped(
            "Prefect's own server did not start: the machine is very busy; try again, or add --without-prefect"
        ) from None
    if not state.is_completed():
        raise _error_of(state, terminal.error)


def _error_of(state: State[Any], error: BaseException | None) -> SlowburnError:
    """What ended a flow."""
    message, kind = str(state.message), type(error) if isinstance(error, SlowburnError) else SlowburnError
    if isinstance(error, CannotFit) and error.would_fit_alone:
        message += ", or --without-prefect, whose processes take the rest of this container"
    failure = SlowburnError(message)
    failure.exit_code = kind.exit_code
    return failure


def _server_settings() -> dict[Any, Any]:
    """Use a configured server that answers; otherwise have Prefect start its embedded one.

    Raises SlowburnError where the server answers, but not to us.
    """
    url = PREFECT_API_URL.value()
    if not url:
        return {}
    shown = without_secrets(url)
    try:
        httpx.get(f"{url}/health", timeout=SERVER_TIMEOUT_SECONDS).raise_for_status()
        with get_client(sync_client=True) as client:
            client.api_version()
    except httpx.HTTPStatusError as error:
        if error.response.status_code in REFUSED:
            raise SlowburnError(
                f"the Prefect server at {shown} refuses us ({error.response.status_code}): set PREFECT_API_AUTH_STRING "
                "to its user:password, or PREFECT_API_KEY; --without-prefect does without it"
            ) from None
        return _embedded(shown)
    except (httpx.HTTPError, httpx.InvalidURL):
        return _embedded(shown)
    return {}


def _embedded(url: str) -> dict[Any, Any]:
    print(f"No Prefect server answers at {url}: running with the embedded one.", file=sys.stderr)
    return {PREFECT_API_URL: None}


def _start_embedded_server() -> None:
    from flows.embedded_server import EmbeddedServer  # half a second of Prefect's server, which others need not load

    check_home()
    check_database()
    EmbeddedServer().start()


def _quiet_prefect() -> None:
    """Leave the terminal to our own lines; Prefect's log still goes to its server."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.CRITICAL + 1)
