"""`tensorboard`: a run's curve as event files, for TensorBoard."""

from pathlib import Path

import click

from lm.cli.command import command, option
from lm.errors import BadInput
from lm.formatting import counted
from lm.runs.find import find_run
from lm.runs.run_record import list_runs, run_folder
from lm.store.artifacts import Store

FOLDER = "tensorboard"


@command()
@click.argument("name", required=False, metavar="[RUN]")
@option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="where the event files go; else `tensorboard` in the run's folder",
)
def tensorboard_command(name: str | None, to: Path | None) -> int:
    """Write a run's learning curve as event files for TensorBoard; follow a run that goes on until it ends.

    Without RUN it is the newest. TensorBoard is not installed with Slowburn: `pip install tensorboard` brings it.
    """
    store = Store.default()
    run = find_run(store, name) if name else next(iter(list_runs(store)), None)
    if run is None:
        raise BadInput("there is no run yet: `slowburn run` makes a first one")
    folder = to or run_folder(store, run.run_id) / FOLDER
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} has files in it: remove them, or name another folder with --to")
    from lm.report.tensorboard_events import write_events  # brings pyarrow

    print(f"To look at it: tensorboard --logdir {folder}", flush=True)
    steps = write_events(store, run, folder)
    print(f"{counted(steps, 'step')} of {run.run_id} written")
    return 0
