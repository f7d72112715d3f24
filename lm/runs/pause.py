"""Pausing a run by its name: a file in the run's folder asks for it, and the run goes on when the file is gone.

A training that is paused saves and gives its memory back; any other stage is finished first.
"""

from pathlib import Path

from lm.errors import BadInput
from lm.runs.find import find_run
from lm.runs.run_record import RunRecord, run_folder
from lm.store.artifacts import Store

PAUSE_FILE = "pause"


class Pause:
    """Whether a run is asked to pause. A request from before the run began does not count."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._path = pause_file(store, run_id)
        self._path.unlink(missing_ok=True)

    @property
    def is_asked_for(self) -> bool:
        """Whether the run should stand still now."""
        return self._path.exists()


def pause(store: Store, name: str) -> RunRecord:
    """Ask a run to pause. Raises BadInput where there is none of this name, or it is over."""
    run = find_run(store, name)
    if run.status not in ("running", "paused"):
        raise BadInput(f"run {run.run_id} is {run.status}: there is nothing to pause")
    pause_file(store, run.run_id).touch()
    return run


def resume(store: Store, name: str) -> RunRecord:
    """Let a paused run go on. Raises BadInput where there is none of this name, or it was not paused."""
    run = find_run(store, name)
    if not pause_file(store, run.run_id).exists():
        again = f": `{run.command}` runs it again" if run.command else ""
        raise BadInput(f"run {run.run_id} is {run.status}, not paused{again}")
    pause_file(store, run.run_id).unlink(missing_ok=True)
    return run


def pause_file(store: Store, run_id: str) -> Path:
    """The file whose presence asks a run to pause."""
    return run_folder(store, run_id) / PAUSE_FILE
