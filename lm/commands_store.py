"""`python -m lm inspect` and `verify`: what there is, and whether it is still what was written."""

import argparse

from rich.console import Console

from lm.command import Command, add_json
from lm.inspect_artifacts import Listing, RunView, list_all, show
from lm.inspect_tables import print_artifact, print_listing, print_run, print_verification
from lm.store import Store
from lm.verify_artifacts import verify


def _name_and_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a run id, the beginning of a key, or a path")
    add_json(parser)


def _inspect(options: argparse.Namespace) -> int:
    view = show(Store.default(), options.name) if options.name else list_all(Store.default())
    if options.json:
        print(view.model_dump_json(indent=2))
    elif isinstance(view, Listing):
        print_listing(view, Console())
    elif isinstance(view, RunView):
        print_run(view, Console())
    else:
        print_artifact(view, Console())
    return 0


def _verify(options: argparse.Namespace) -> int:
    verification = verify(Store.default(), options.name)
    if options.json:
        print(verification.model_dump_json(indent=2))
    else:
        print_verification(verification, Console())
    return 1 if verification.damages else 0


INSPECT = Command("inspect", "list runs and artifacts, or show one", _name_and_json, _inspect)
VERIFY = Command("verify", "hash every file again and name what is damaged", _name_and_json, _verify)
