"""`pause` and `resume`: have a run stand still for a while, and go on."""

import click

from lm.cli.command import command
from lm.runs.pause import pause, resume
from lm.store.artifacts import Store


@command()
@click.argument("name", metavar="RUN")
def pause_command(name: str) -> int:
    """Have a run save and stand still. RUN is its id, or the beginning of it."""
    run = pause(Store.default(), name)
    print(f"{run.run_id} pauses: a training saves first and gives its memory back, another stage is finished first.")
    print(f"`slowburn resume {run.run_id}` lets it go on.")
    return 0


@command()
@click.argument("name", metavar="RUN")
def resume_command(name: str) -> int:
    """Let a paused run go on. RUN is its id, or the beginning of it."""
    run = resume(Store.default(), name)
    print(f"{run.run_id} goes on.")
    if run.command:
        print(f"Should its process have ended meanwhile: `{run.command}` goes on from what was saved.")
    return 0
