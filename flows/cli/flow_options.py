"""What every flow that runs in a terminal can be asked for."""

from typing import Any, NamedTuple

from lm.cli.command import field_option, option
from lm.cli.request import HOW_LONG, SETTINGS, Request, read_request, request_options
from lm.run_config import RunConfig
from lm.runs.rerun_config import rerun_config
from lm.store.artifacts import Store

WITHOUT_PREFECT = "run without Prefect, which takes 300 MB of memory and some seconds"


class FlowRequest(NamedTuple):
    """A request, on top of the settings of an earlier run where one is named."""

    request: Request
    like: str | None
    run_id: str | None

    def config(self) -> RunConfig:
        """The config of this request. Raises BadInput."""
        if self.like is None:
            return self.request.config()
        return rerun_config(Store.default(), self.like, self.request.settings, self.request.values)


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
        option("--without-prefect", is_flag=True, help=WITHOUT_PREFECT),
        option(
            "--run-id", metavar="ID", help="name of the run's folder in artifacts/runs; empty: made of time and corpus"
        ),
    ]
    for decorate in reversed(options):
        function = decorate(function)
    return function


def read_flow_request(like: str | None, run_id: str | None, **asked: Any) -> FlowRequest:
    """The request that these options make."""
    return FlowRequest(read_request(**asked), like, run_id)
