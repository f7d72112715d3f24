"""What every flow that runs in a terminal can be asked for."""

from typing import Any

from lm.cli.command import field_option, option
from lm.cli.request import HOW_LONG, SETTINGS, request_options
from lm.run_config import RunConfig

WITHOUT_PREFECT = "run without Prefect, which takes 300 MB of memory and some seconds"


def flow_options(function: Any) -> Any:
    """Declare the options of a request, and those that only a flow knows."""
    options = [
        request_options,
        field_option(RunConfig, "deadline", section=HOW_LONG),
        option(
            "--like",
            section=SETTINGS,
            metavar="RUN",
            help="take the settings of this run, or of `newest`, where no other is given",
        ),
        option("--open", "opens_report", is_flag=True, help="open the report in a browser; it follows the run"),
        option("--without-prefect", is_flag=True, help=WITHOUT_PREFECT),
        option(
            "--run-id", metavar="ID", help="name of the run's folder in artifacts/runs; empty: made of time and corpus"
        ),
    ]
    for decorate in reversed(options):
        function = decorate(function)
    return function
