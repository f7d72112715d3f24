"""`python -m lm pause` and `resume`: have a run stand still for a while, and go on."""

import argparse

from lm.cli.command import Command
from lm.runs.pause import pause, resume
from lm.store.artifacts import Store


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a run id, or its beginning")


def _pause(options: argparse.Namespace) -> int:
    run = pause(Store.default(), options.name)
    print(f"{run.run_id} pauses: a training saves first and gives its memory back, another stage is finished first.")
    print(f"`python -m lm resume {run.run_id}` lets it go on.")
    return 0


def _resume(options: argparse.Namespace) -> int:
    run = resume(Store.default(), options.name)
    print(f"{run.run_id} goes on.")
    if run.command:
        print(f"Should its process have ended meanwhile: `{run.command}` goes on from what was saved.")
    return 0


PAUSE = Command("have a run save and stand still", _declare, _pause)
RESUME = Command("let a paused run go on", _declare, _resume)
