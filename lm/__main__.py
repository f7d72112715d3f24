"""`python -m lm`: use what the stages made. No Prefect, no server, no network."""

import sys

from lm.cli.command import start
from lm.cli.commands import ENTRIES
from lm.cli.group import LazyGroup

if __name__ == "__main__":
    sys.exit(start(LazyGroup(ENTRIES, "Use what the stages made. No Prefect, no server, no network."), "python -m lm"))
