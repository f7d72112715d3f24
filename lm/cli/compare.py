"""`compare`: which of two models is better, and what differs between them."""

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm.champions.compare import Comparison, compare
from lm.cli.command import command, json_option
from lm.cli.console import open_console
from lm.cli.names import named_model
from lm.formatting import format_text_size
from lm.store.artifacts import Store
from lm.text.plain_text import visible


@command()
@click.argument("first", metavar="MODEL")
@click.argument("second", metavar="MODEL")
@json_option
def compare_command(first: str, second: str, as_json: bool) -> int:
    """Find by a paired test which of two models is better, and show what differs between them.

    A MODEL is a run id, a key or a path. Both read the held-out text of the second: it is named, and where the
    first never trained on such text, that is said.
    """
    store = Store.default()
    comparison = compare(store, named_model(store, first), named_model(store, second))
    if as_json:
        print(comparison.model_dump_json(indent=2))
    else:
        _print(comparison, open_console())
    return 0


def _print(comparison: Comparison, console: Console) -> None:
    console.print(Text(comparison.verdict, "bold"))
    console.print(Text(f"Both read {visible(comparison.text)}: {_size(comparison)}."))
    for warning in comparison.warnings:
        console.print(Text(f"But: {visible(warning)}", "yellow"))
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


def _size(comparison: Comparison) -> str:
    contest = comparison.contest
    return f"{format_text_size(contest.bytes)} in {contest.units:,} {contest.unit}s"
