"""`slowburn`: every command there is. What a command needs is loaded when it is asked for."""

import click

from lm import __version__
from lm.cli.command import start
from lm.cli.commands import ENTRIES as LM_ENTRIES
from lm.cli.commands import TRAIN
from lm.cli.group import Entry, LazyGroup

SERVICE = "Service"
SHELL = "Shell"
PROGRAM = "slowburn"
SERVER_NAMES = ("up", "down", "status")
ENTRIES = (
    Entry("run", TRAIN, "train, evaluate and generate; what is done already is reused", "flows.commands.run"),
    Entry("retrain", TRAIN, "train a challenger on new text, promote it if it is better", "flows.commands.retrain"),
    *LM_ENTRIES,
    Entry("up", SERVICE, "start a Prefect server, a worker and the deployments", "flows.commands.server"),
    Entry("down", SERVICE, "stop what `up` started; runs save first", "flows.commands.server"),
    Entry("status", SERVICE, "show what of the service runs", "flows.commands.server"),
    Entry(
        "completion", SHELL, "print the script that makes a shell complete commands and options", "flows.cli.completion"
    ),
)


def slowburn() -> LazyGroup:
    """The group of all commands."""
    group = LazyGroup(ENTRIES, "Train a small language model on the computer you have, and use it.")
    return click.version_option(__version__, message="slowburn %(version)s")(group)


def main() -> int:
    """Do what the command line says; returns the exit code."""
    return start(slowburn(), PROGRAM)


def run_command(name: str, program: str) -> int:
    """Do one command, as a program of its own; returns the exit code."""
    return start(slowburn().load(name), program)


def run_server_command(program: str) -> int:
    """Do one of the service's commands; returns the exit code."""
    entries = [entry for entry in ENTRIES if entry.name in SERVER_NAMES]
    return start(LazyGroup(entries, "A Prefect server on loopback, a worker, and the deployments."), program)
