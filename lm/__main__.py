"""`python -m lm`: use what the stages made. No Prefect, no server, no network."""

import sys

from lm.cli.signals import until_ended


def main() -> int:
    """Do what the command line says; returns the exit code."""
    from lm.cli.command import start
    from lm.cli.commands import ENTRIES
    from lm.cli.group import LazyGroup

    return start(LazyGroup(ENTRIES, "Use what the stages made. No Prefect, no server, no network."), "python -m lm")


if __name__ == "__main__":
    sys.exit(until_ended(main))
