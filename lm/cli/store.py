"""`python -m lm inspect` and `verify`: what there is, and whether it is still what was written."""

import argparse

from rich.console import Console

from lm.cli.command import Command, add_json
from lm.errors import BadInput
from lm.inspection.explain_table import print_why
from lm.inspection.listing import Listing, RunView, list_all, show
from lm.inspection.tables import print_artifact, print_listing, print_run, print_source, print_verification
from lm.inspection.verify import verify
from lm.runs.explain import explain
from lm.runs.find import find
from lm.runs.run_record import RunRecord, list_runs
from lm.store.artifacts import Store


def _name_and_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a run id, the beginning of a key, or a path")
    add_json(parser)


def _declare_inspect(parser: argparse.ArgumentParser) -> None:
    _name_and_json(parser)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--why", action="store_true", help="why each stage of a run was reused or computed")
    asked.add_argument("--source", metavar="PART", help="what still holds a source: part of its name or address")


def _inspect(options: argparse.Namespace) -> int:
    if options.why:
        return _inspect_why(options)
    if options.source is not None:
        return _inspect_source(options)
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


def _inspect_why(options: argparse.Namespace) -> int:
    store = Store.default()
    run = find(store, options.name) if options.name else next(iter(list_runs(store)), None)
    if not isinstance(run, RunRecord):
        raise BadInput(
            f"--why tells about a run: {options.name + ' is an artifact' if options.name else 'there is none yet'}"
        )
    why = explain(store, run)
    if options.json:
        print(why.model_dump_json(indent=2))
    else:
        print_why(why, Console())
    return 0


def _inspect_source(options: argparse.Namespace) -> int:
    if options.name:
        raise BadInput("--source looks at everything that is here: leave the name of a run or artifact out")
    from lm.inspection.source import find_source  # brings pyarrow, which the other commands here need not load

    view = find_source(Store.default(), options.source)
    if options.json:
        print(view.model_dump_json(indent=2))
    else:
        print_source(view, Console())
    return 0


def _verify(options: argparse.Namespace) -> int:
    verification = verify(Store.default(), options.name)
    if options.json:
        print(verification.model_dump_json(indent=2))
    else:
        print_verification(verification, Console())
    return 1 if verification.damages else 0


INSPECT = Command("list runs and artifacts, or show one", _declare_inspect, _inspect)
VERIFY = Command("hash every file again and name what is damaged", _name_and_json, _verify)
