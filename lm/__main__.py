"""`python -m lm`: use what the stages made. No Prefect, no server, no network."""

import argparse
import os
import sys

from lm.commands.champion import CHAMPION, PROMOTE, ROLLBACK
from lm.commands.command import Command
from lm.commands.compare import COMPARE
from lm.commands.export import EXPORT
from lm.commands.generate import GENERATE
from lm.commands.plan import PLAN
from lm.commands.prune import PRUNE
from lm.commands.run import PAUSE, RESUME
from lm.commands.store import INSPECT, VERIFY
from lm.commands.tokenizers import COMPARE_TOKENIZERS
from lm.commands.trace import TRACE
from lm.errors import SlowburnError

COMMANDS: tuple[Command, ...] = (
    PLAN,
    INSPECT,
    VERIFY,
    GENERATE,
    TRACE,
    COMPARE,
    COMPARE_TOKENIZERS,
    EXPORT,
    CHAMPION,
    PROMOTE,
    ROLLBACK,
    PAUSE,
    RESUME,
    PRUNE,
)


def main() -> int:
    """Do one command; returns the exit code."""
    options = _parse()
    try:
        code: int = options.work(options)
        return code
    except SlowburnError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lm", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help)
        command.declare(subparser)
        subparser.set_defaults(work=command.work)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
