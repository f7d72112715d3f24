"""`pause` and `resume`: have a run stand still for a while, and go on."""

import click

from lm.cli.command import command
from lm.runs.pause import pause, resume
from lm.store.artifacts import Store


@command()
@click.argument("name", metavar="RUN")
def pause_command(name: str) -> int:
    """Pause a run: a training saves first. RUN is its id, or the beginning of it."""
    run = pause(Store.default(), name)
    print(f"{run.run_id} pauses: a training saves first and gives its memory back, another stage is finished first.")
    print(f"`slowburn resume {run.run_id}` continues it.")
    return 0


@command()
@click.argument("name", metavar="RUN")
def resume_command(name: str) -> int:
    """Continue a paused run. RUN is its id, or the beginning of it."""
    run = resume(Store.default(), name)
    print(f"{run.run_id} continues.")
    if run.command:
        print(f"If its process has ended: `{run.command}` continues from what was saved.")
    return 0
