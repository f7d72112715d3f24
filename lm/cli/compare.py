"""`python -m lm compare`: which of two models is better, and what differs between them."""

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm.champions.compare import Comparison, compare
from lm.cli.command import Command, add_json, named_model
from lm.store.artifacts import Store
from lm.text.plain_text import visible


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", help="a model: run id, key or path")
    parser.add_argument("second", help="another one, whose held-out text both read")
    add_json(parser)


def _compare(options: argparse.Namespace) -> int:
    store = Store.default()
    comparison = compare(store, named_model(store, options.first), named_model(store, options.second))
    if options.json:
        print(comparison.model_dump_json(indent=2))
    else:
        _print(comparison, Console(highlight=False))
    return 0


def _print(comparison: Comparison, console: Console) -> None:
    console.print(Text(comparison.verdict, "bold"))
    if comparison.contest.seen_units:
        console.print(
            f"{comparison.contest.seen_units} {comparison.contest.unit}s were left out: the first was trained on them."
        )
    table = Table("", f"first {comparison.first}", f"second {comparison.second}", box=None, pad_edge=False)
    standings = (comparison.contest.champion, comparison.contest.challenger)
    table.add_row("bits per byte", *("" if each is None else f"{each.bits_per_byte:.4f}" for each in standings))
    for name, values in comparison.differences.items():
        table.add_row(Text(name, "dim"), *(Text(visible("" if value is None else str(value))) for value in values))
    console.print("", table)


COMPARE = Command("say by a paired test which of two models is better, and what differs", _declare, _compare)
