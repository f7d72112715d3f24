"""`python -m lm prune`: remove what was not used for longest, until the rest fits a disk budget."""

import argparse

from pydantic import ValidationError

from lm.cli.command import Command, add_json
from lm.errors import BadInput
from lm.formatting import format_bytes
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.memory.budget import parse_bytes
from lm.store.artifacts import Store


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--disk", required=True, metavar="SIZE", help="what all artifacts may take, such as 5GiB")
    for name in ("runs", "champions"):
        field = RetentionPolicy.model_fields[name]
        parser.add_argument(f"--{name}", type=int, default=field.default, help=f"{field.description} ({field.default})")
    parser.add_argument("--yes", action="store_true", help="remove it; without this it is only said what would go")
    add_json(parser)


def _prune(options: argparse.Namespace) -> int:
    store = Store.default()
    policy = _policy(options)
    pruning = plan_pruning(store, policy)
    gone = prune(store, pruning) if options.yes else []
    if options.json:
        print(pruning.model_dump_json(indent=2))
        return 0
    print(pruning.sentence)
    for removal in pruning.removals:
        kept = " (in use: kept)" if options.yes and removal not in gone else ""
        kind = "unfinished " * removal.unfinished + removal.stage
        print(f"  {kind:20} {removal.key}  {format_bytes(removal.bytes):>10}  last used {removal.last_used}{kept}")
    if pruning.removals:
        print(f"Removed {len(gone)}." if options.yes else "Nothing was removed yet: add --yes to do it.")
    return 0


def _policy(options: argparse.Namespace) -> RetentionPolicy:
    try:
        return RetentionPolicy(disk_bytes=parse_bytes(options.disk), runs=options.runs, champions=options.champions)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"--{str(first['loc'][0]).removesuffix('_bytes')}: got {first['input']}: {first['msg']}"
        ) from None


PRUNE = Command("remove what was not used for longest, within a disk budget", _declare, _prune)
