"""A flow from a terminal: with no server to start, its words for a person, and an error that means how it ended."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from prefect import State
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.terminal import Terminal
from lm.errors import CannotFit, SlowburnError
from lm.text.addresses import without_secrets
from tasks import run_logging as listen

REFUSED = (401, 403)


def run_flow(command: str, terminal: Terminal, server: Callable[[], str], flow: Callable[[], State[Any]]) -> None:
    """Run a flow, recorded by the server whose address `server` waits for.

    Raises SlowburnError where it does not complete.
    """
    _quiet_prefect()
    listen.terminal.set(terminal)
    listen.command.set(without_secrets(command))
    with temporary_settings({PREFECT_API_URL: server()}):
        _check_access()
        state = flow()
    if not state.is_completed():
        raise _error_of(state, terminal.error)


def _check_access() -> None:
    """Raise SlowburnError where the server wants to know who asks, or is none of Prefect's."""
    version: object = None
    try:
        with get_client(sync_client=True) as client, suppress(ValueError):  # its answer is no JSON
            version = client.api_version()
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in REFUSED:
            raise
        address, status = without_secrets(PREFECT_API_URL.value()), error.response.status_code
        raise SlowburnError(
            f"the Prefect server at {address} refuses us ({status}): set PREFECT_API_AUTH_STRING to its user:password, "
            "or PREFECT_API_KEY; --without-prefect does without it"
        ) from None
    if not isinstance(version, str):
        address = without_secrets(PREFECT_API_URL.value())
        raise SlowburnError(f"what answers at {address} is no Prefect server: change PREFECT_API_URL, or unset it")


def _error_of(state: State[Any], error: BaseException | None) -> SlowburnError:
    """What ended a flow."""
    message, kind = str(state.message), type(error) if isinstance(error, SlowburnError) else SlowburnError
    if isinstance(error, CannotFit) and error.would_fit_alone:
        message += ", or run it with --without-prefect: Prefect's processes take the rest"
    failure = SlowburnError(message)
    failure.exit_code = kind.exit_code
    return failure


def _quiet_prefect() -> None:
    """Leave the terminal to our own lines; Prefect's log still goes to its server."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.CRITICAL + 1)
