"""`python -m lm`: use what the stages made. No Prefect, no server, no network."""

import argparse
import importlib
import os
import sys

from lm.cli.command import Command
from lm.errors import SlowburnError

MODULES = {
    "plan": "plan",
    "inspect": "store",
    "verify": "store",
    "generate": "generate",
    "trace": "trace",
    "compare": "compare",
    "compare-tokenizers": "tokenizers",
    "export": "export",
    "champion": "champion",
    "promote": "champion",
    "rollback": "champion",
    "pause": "run",
    "resume": "run",
    "prune": "prune",
}


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


def command_named(name: str) -> Command:
    """The command, imported from the module that has it under its name in capitals."""
    module = importlib.import_module(f"lm.cli.{MODULES[name]}")
    command: Command = getattr(module, name.upper().replace("-", "_"))
    return command


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lm", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in [asked] if asked in MODULES else MODULES:  # importing them all takes half a second
        command = command_named(name)
        subparser = subparsers.add_parser(name, help=command.help)
        command.declare(subparser)
        subparser.set_defaults(work=command.work)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
