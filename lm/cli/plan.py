"""`python -m lm plan`: what a run would take and come to, before anything is started."""

import argparse
import sys
from typing import Any

from rich.console import Console

from lm.cli.command import Command
from lm.errors import CannotFit
from lm.memory.budget import Budget, resolve_budget
from lm.planning.forecast import forecast
from lm.planning.forecast_tables import print_forecast, refusal
from lm.planning.measuring import measured_machine
from lm.run_config import build_config
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild

ORCHESTRATOR_BYTES = 390 * 2**20  # what the pipeline and its embedded server hold beside a stage
MEASURING_BUDGET = Budget(bytes=3 * 2**30, source="fixed")  # where there is a CUDA card; else under half a GiB


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", nargs="+", metavar="NAME|PATH|URL", help="what to train on (several make one)")
    parser.add_argument("--minutes", type=float, help="minutes of training, its checkpoints included (default 3)")
    parser.add_argument("--seeds", type=int, help="models that differ in their seed alone, each trained for --minutes")
    parser.add_argument("--memory", metavar="SIZE", help="memory a stage may take, such as 2GiB")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", dest="settings", help="any setting"
    )
    parser.add_argument(
        "--init-from", metavar="RUN|FOLDER", help="a model to start from: a run, a key or a Hugging Face folder"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def _plan(options: argparse.Namespace) -> int:
    names = ("minutes", "seeds", "memory", "init_from")
    values: dict[str, Any] = {name: getattr(options, name) for name in names}
    if options.corpus:
        values["download"] = {"corpus": options.corpus}
    config, store = build_config(values, options.settings), Store.default()
    budget = resolve_budget(config.memory, ORCHESTRATOR_BYTES)
    found = forecast(config, store, budget, lambda: measured_machine(store, _child, config.device))
    if options.json:
        print(found.model_dump_json(indent=2))
    else:
        print_forecast(found, Console())
    if found.fits:
        return 0
    print(refusal(found), file=sys.stderr)
    return CannotFit.exit_code


def _child() -> SupervisedChild:
    return SupervisedChild(MEASURING_BUDGET)


PLAN = Command("say what a run would take and come to, before anything is started", _declare, _plan)
