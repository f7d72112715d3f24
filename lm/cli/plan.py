"""`plan`: what a run would take and come to, before anything is started."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm.clean.config import CleanConfig
from lm.cli.command import command, json_option
from lm.cli.console import open_console
from lm.cli.request import read_request, request_options
from lm.errors import CannotFit, Crash, OutOfMemory
from lm.memory.budget import Budget, resolve_budget
from lm.planning.corpus_preview import FilesLook
from lm.planning.forecast import Looks, forecast
from lm.planning.forecast_tables import print_forecast, refusal
from lm.planning.jobs import look_at_files, measure_tokens
from lm.planning.measuring import measured_machine
from lm.progress import silent
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild
from lm.text.raw_sources import RawSource

ORCHESTRATOR_BYTES = 390 * 2**20  # what the pipeline and its embedded server hold beside a stage
PREVIEW_BUDGET = Budget(bytes=2**30, source="fixed")
PREVIEW_SECONDS = 1.0  # of looking at files; a process that starts comes to it
MEASURING_BUDGET = Budget(bytes=3 * 2**30, source="fixed")  # where there is a CUDA card; else under half a GiB


@command()
@request_options
@json_option
def plan_command(as_json: bool, **asked: Any) -> int:
    """Predict time, memory and quality of a run before it starts; the exit code is 78 where it cannot fit."""
    config, store = read_request(**asked).config(), Store.default()
    budget = resolve_budget(config.memory, ORCHESTRATOR_BYTES)
    found = forecast(
        config,
        store,
        budget,
        lambda: measured_machine(store, _child, config.device, tell=_tell),
        Looks(_preview, _measure_text),
    )
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        print_forecast(found, open_console())
    if found.fits:
        return 0
    print(refusal(found), file=sys.stderr)
    return CannotFit.exit_code


def _preview(files: Sequence[RawSource], config: CleanConfig) -> FilesLook:
    """Look at files in a child; what ends it is said, and sizes are then those of the files."""
    try:
        with SupervisedChild(PREVIEW_BUDGET) as child:
            return child.call(look_at_files, silent, list(files), config, PREVIEW_SECONDS)
    except (OutOfMemory, Crash) as error:
        _tell(f"how the files would be read is not known: {error}")
        return FilesLook()


def _measure_text(clean: Path) -> dict[int, float]:
    with SupervisedChild(PREVIEW_BUDGET) as child:
        return child.call(measure_tokens, silent, clean)


def _tell(note: str) -> None:
    print(note, file=sys.stderr)


def _child() -> SupervisedChild:
    return SupervisedChild(MEASURING_BUDGET)
