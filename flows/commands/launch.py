"""How a command's run is started, through Prefect or through `lm` alone. How it ended is the last thing that is said.

Light: Prefect, which takes two seconds to load and 300 MB to run, is loaded where it is used.
"""

import atexit
import os
import sys
from collections.abc import Callable

from rich.console import Console

from flows.terminal import Terminal
from lm.cli.outputs import drop_what_cannot_be_written
from lm.cli.request import Request
from lm.cli.signals import leave_at_once
from lm.download.corpora import check_words
from lm.errors import SlowburnError
from lm.pipeline.run import checked_run_id
from lm.planning.starting_model import look_up_starting_model, with_starting_model
from lm.run_config import RunConfig
from lm.runs.run_name import request_name
from lm.store.artifacts import Store

Start = Callable[[RunConfig, Terminal], object]  # does the run. Raises SlowburnError where it does not complete


def launch(
    request: Request,
    run_id: str | None,
    plain: Start,
    through_prefect: Start,
    use_prefect: Callable[[RunConfig], bool],
    opens_report: bool,
) -> int:
    """Do what is asked for, and return the exit code. Its meaning is said on stderr in one line as this process ends.

    Once the work goes on it does not matter who reads of it.
    """
    drop_what_cannot_be_written()
    ending = Ending(Terminal(Console(), opens_report=opens_report))
    try:
        config = request.config()
        check_request(config, run_id)
        ending.terminal.tell(f"asked for: {request_name(config)}")
        if use_prefect(config):
            ending.terminal.tell("Prefect starts; what it records is kept beside the results")
            through_prefect(config, ending.terminal)
        else:
            plain(config, ending.terminal)
    except SlowburnError as error:
        return ending.settle(str(error), error.exit_code)
    return ending.settle("complete", 0)


class Ending:
    """The last words of a run, said once everything else in this process has come to its end, Prefect's server too."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._sentence, self._code = "", 0
        atexit.register(self._leave)  # before Prefect registers anything: what comes first is done last

    def settle(self, sentence: str, code: int) -> int:
        """Have this said at the end, or at once where a signal comes before; returns the code."""
        self._sentence, self._code = sentence, code
        leave_at_once(code, self._say)
        return code

    def _leave(self) -> None:
        if self._sentence:
            self._say()
            os._exit(self._code)  # to take all of Prefect apart would take a second more

    def _say(self) -> None:
        self.terminal.close()
        sys.stdout.flush()
        print(self._sentence, file=sys.stderr, flush=True)


def check_request(config: RunConfig, run_id: str | None) -> None:
    """Raise BadInput now for what the stages would refuse later, after a server and their children have started."""
    check_words(config.download.corpus)
    if run_id:
        checked_run_id(run_id)
    if config.init_from:
        with_starting_model(config, look_up_starting_model(Store.default(), config.init_from))
