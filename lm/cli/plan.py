"""`plan`: what a run would take and come to, before anything is started."""

import sys
from typing import Any

from lm.cli.command import command, json_option
from lm.cli.console import open_console
from lm.cli.request import read_request, request_options
from lm.errors import CannotFit
from lm.memory.budget import Budget, resolve_budget
from lm.planning.forecast import forecast
from lm.planning.forecast_tables import print_forecast, refusal
from lm.planning.measuring import measured_machine
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild

ORCHESTRATOR_BYTES = 390 * 2**20  # what the pipeline and its embedded server hold beside a stage
MEASURING_BUDGET = Budget(bytes=3 * 2**30, source="fixed")  # where there is a CUDA card; else under half a GiB


@command()
@request_options
@json_option
def plan_command(as_json: bool, **asked: Any) -> int:
    """Predict time, memory and quality of a run before it starts; the exit code is 78 where it cannot fit."""
    config, store = read_request(**asked).config(), Store.default()
    budget = resolve_budget(config.memory, ORCHESTRATOR_BYTES)
    found = forecast(config, store, budget, lambda: measured_machine(store, _child, config.device, tell=_tell))
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        print_forecast(found, open_console())
    if found.fits:
        return 0
    print(refusal(found), file=sys.stderr)
    return CannotFit.exit_code


def _tell(note: str) -> None:
    print(note, file=sys.stderr)


def _child() -> SupervisedChild:
    return SupervisedChild(MEASURING_BUDGET)
