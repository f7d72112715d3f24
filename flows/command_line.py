"""`python -m flows.pipeline`: the pipeline from a terminal, with no server to start, and an exit code that means it."""

import argparse
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, get_args

import httpx
from prefect import State
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from rich.console import Console

from flows.pipeline import pipeline
from flows.terminal import Terminal
from lm.download.corpora import check_words
from lm.errors import BadInput, Interrupted, SlowburnError, Stopped
from lm.pipeline.run import StageName, checked_run_id
from lm.planning.starting_model import look_up_starting_model, with_starting_model
from lm.run_config import RunConfig, build_config, setting_names
from lm.runs.rerun_config import rerun_config
from lm.store.artifacts import Store
from lm.text.addresses import without_secrets
from tasks import run_logging as listen

SERVER_TIMEOUT_SECONDS = 3.0
SERVER_DID_NOT_START = "Timed out while attempting to connect to ephemeral Prefect API server"
EXAMPLES = """examples:
  python -m flows.pipeline                                  the embedded corpus, three minutes
  python -m flows.pipeline --corpus notes/ --minutes 20     your own folder of texts
  python -m flows.pipeline --corpus lovecraft --memory 2GiB
  python -m flows.pipeline --set train.layers=4 train.steps=500

exit codes: 0 complete; 75 stopped with progress saved, run it again; 78 does not fit this memory; 130 interrupted
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.pipeline",
        description="Download, clean, tokenize, train, evaluate and generate; what is done already is reused.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_request(parser)
    parser.add_argument("--until", choices=get_args(StageName), default="generate", help="last stage to run")
    parser.add_argument("--replan", action="store_true", help="choose the numbers anew instead of the kept plan")
    return parser.parse_args(arguments)


def add_request(parser: argparse.ArgumentParser) -> None:
    """Let the user say what to train on, how long, and in how much memory."""
    parser.add_argument("--corpus", nargs="+", metavar="NAME|PATH|URL", help="what to train on (several make one)")
    parser.add_argument("--minutes", type=float, help="minutes of training, its checkpoints included (default 3)")
    parser.add_argument(
        "--deadline",
        action="store_true",
        default=None,
        help="end after these minutes even where this machine turns out slower than planned",
    )
    parser.add_argument(
        "--seeds", type=int, help="models that differ in their seed alone, each trained for --minutes (default 1)"
    )
    parser.add_argument(
        "--init-from", metavar="RUN|FOLDER", help="a model to start from: a run, a key or a Hugging Face folder"
    )
    parser.add_argument("--like", metavar="RUN", help="begin with the settings of this run, or of the newest one")
    parser.add_argument("--memory", metavar="SIZE", help="memory a stage may take, such as 2GiB")
    parser.add_argument("--run-id", type=_run_id, metavar="ID", help="name of the run's folder in artifacts/runs")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help=f"any setting: {', '.join(setting_names()[:4])} …",
    )


def _run_id(text: str) -> str:
    try:
        return checked_run_id(text)
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline; returns the exit code, having said in one line on stderr how it went."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parse(arguments)
    return run(
        shlex.join(["python", "-m", "flows.pipeline", *arguments]),
        options,
        lambda config: pipeline(config, options.run_id, options.until, options.replan, return_state=True),
    )


def run(command: str, options: argparse.Namespace, flow: Callable[[RunConfig], State[Any]]) -> int:
    """Have a flow do what `add_request`'s options ask for; returns the exit code, see `main`."""
    _listen_for_the_end()
    try:
        names = ("minutes", "deadline", "seeds", "memory", "init_from")
        values: dict[str, Any] = {name: getattr(options, name) for name in names}
        if options.corpus:
            values["download"] = {"corpus": options.corpus}
        if options.like:
            config = rerun_config(Store.default(), options.like, options.settings, values)
        else:
            config = build_config(values, options.settings)
        _check(config)
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
    except (KeyboardInterrupt, _Terminated) as error:
        code = Interrupted.exit_code if isinstance(error, KeyboardInterrupt) else Stopped.exit_code
        return _say("interrupted: what was saved is kept; run the same command again to go on", code)
    return _say("complete", 0)


class _Terminated(BaseException):
    """SIGTERM, or a terminal that was closed, as an exception that no `except Exception` on the way swallows."""


def _listen_for_the_end() -> None:
    """Hear SIGTERM, and SIGHUP where a terminal's end is not to be ignored as `nohup` has it."""
    signal.signal(signal.SIGTERM, _interrupt)
    if os.name == "posix" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    raise _Terminated


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


def _check(config: RunConfig) -> None:
    """Raise BadInput now for what the stages would refuse later, after a server and their children have started."""
    check_words(config.download.corpus)
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
