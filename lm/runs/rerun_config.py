"""A run, or a stage of it, again with some of its settings changed: from the command line or a deployment."""

from collections.abc import Iterable

from lm.errors import BadInput
from lm.run_config import RunConfig, Tree, checked, merged, setting_tree
from lm.runs.find import find_run
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store

NEWEST = "newest"


def rerun_config(store: Store, name: str, settings: Iterable[str]) -> RunConfig:
    """The config of the run called `name`, or of the newest one, with settings changed.

    Raises BadInput where there is no such run, or a setting is none of this version's.
    """
    return checked(RunConfig, merged(earlier_config(store, name), setting_tree(settings)))


def earlier_config(store: Store, name: str) -> Tree:
    """What the run called `name`, or the newest one, was asked for. Raises BadInput where there is none."""
    runs = list_runs(store) if name == NEWEST else [find_run(store, name)]
    if not runs:
        raise BadInput("there is no newest run yet: `make run` makes the first one")
    return runs[0].config
