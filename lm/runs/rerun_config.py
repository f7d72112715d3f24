"""A run, or a stage of it, again with some of its settings changed: from the command line or a deployment."""

from collections.abc import Iterable, Mapping
from typing import Any

from lm.errors import BadInput
from lm.run_config import RunConfig, build_config
from lm.runs.find import find_run
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store

NEWEST = "newest"


def rerun_config(
    store: Store, name: str, settings: Iterable[str], values: Mapping[str, Any] | None = None
) -> RunConfig:
    """The config of the run called `name`, or of the newest one, with top-level values and settings changed.

    Both as in `build_config`. Raises BadInput where there is no such run, or a setting is none of this version's.
    """
    runs = list_runs(store) if name == NEWEST else [find_run(store, name)]
    if not runs:
        raise BadInput("there is no newest run yet: `make run` makes the first one")
    config = runs[0].config
    given = {key: value for key, value in (values or {}).items() if value is not None}
    merged = {key: config[key] | value if isinstance(value, dict) else value for key, value in given.items()}
    return build_config(config | merged, settings)
