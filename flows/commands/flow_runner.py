"""A flow from a terminal: with no server to start, its words for a person, and an exit code that means it."""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import httpx
from prefect import State
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from rich.console import Console

from flows.cli.flow_options import FlowRequest
from flows.terminal import Terminal
from lm.download.corpora import check_words
from lm.errors import SlowburnError, Stopped
from lm.pipeline.run import checked_run_id
from lm.planning.starting_model import look_up_starting_model, with_starting_model
from lm.run_config import RunConfig
from lm.store.artifacts import Store
from lm.text.addresses import without_secrets
from tasks import run_logging as listen

SERVER_TIMEOUT_SECONDS = 3.0
SERVER_DID_NOT_START = "Timed out while attempting to connect to ephemeral Prefect API server"


def run(command: str, request: FlowRequest, flow: Callable[[RunConfig], State[Any]]) -> int:
    """Have a flow do what is asked for; returns the exit code, having said in one line on stderr how it went."""
    try:
        config = request.config()
        _check(config, request.run_id)
        with ExitStack() as stack:
            stack.enter_context(temporary_settings(_server_settings()))
            _quiet_prefect()
            if not PREFECT_API_URL.value():
                _start_embedded_server()
            terminal = Terminal(Console())
            listen.terminal.set(terminal)
            listen.command.set(without_secrets(command))
            state = flow(config)
        if not state.is_completed():
            code = terminal.error.exit_code if isinstance(terminal.error, SlowburnError) else SlowburnError.exit_code
            return _say(str(state.message), code)
    except SlowburnError as error:
        return _say(str(error), error.exit_code)
    except RuntimeError as error:
        if SERVER_DID_NOT_START not in str(error):
            raise
        return _say("Prefect's own server did not start: the machine is very busy; try again", Stopped.exit_code)
    return _say("complete", 0)


def _server_settings() -> dict[Any, Any]:
    """Use a configured server that answers; otherwise have Prefect start its embedded one."""
    url = PREFECT_API_URL.value()
    if not url:
        return {}
    try:
        httpx.get(f"{url}/health", timeout=SERVER_TIMEOUT_SECONDS).raise_for_status()
    except httpx.HTTPError:
        print(f"No Prefect server answers at {url}: running with the embedded one.", file=sys.stderr)
        return {PREFECT_API_URL: None}
    return {}


def _check(config: RunConfig, run_id: str | None) -> None:
    """Raise BadInput now for what the stages would refuse later, after a server and their children have started."""
    check_words(config.download.corpus)
    if run_id:
        checked_run_id(run_id)
    if config.init_from:
        with_starting_model(config, look_up_starting_model(Store.default(), config.init_from))


def _start_embedded_server() -> None:
    from flows.embedded_server import EmbeddedServer  # half a second of Prefect's server, which others need not load

    home = PREFECT_HOME.value()
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):
        raise SlowburnError(f"Prefect cannot keep its database in {home}: set PREFECT_HOME to a folder of yours")
    EmbeddedServer().start()


def _quiet_prefect() -> None:
    """Leave the terminal to our own lines; Prefect's log still goes to its server."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.CRITICAL + 1)


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    sys.stderr.flush()
    return code
