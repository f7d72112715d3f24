"""`compare-tokenizers`: which kind of tokenizer suits a text, by a small model for each."""

import click
import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from lm.cli.command import command, json_option, option
from lm.cli.console import open_console
from lm.errors import BadInput
from lm.formatting import format_text_size
from lm.memory.budget import resolve_budget
from lm.memory.usage import tree_bytes
from lm.runs.find import find
from lm.runs.lineage import origins
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Artifact, Store
from lm.tokenizer_comparison.comparison import TokenizerContest
from lm.tokenizer_comparison.run import compare_tokenizers

MINUTES = 5.0


@command()
@click.argument("name", required=False, metavar="[RUN|KEY|PATH]")
@option("--minutes", type=float, default=MINUTES, metavar="MINUTES", help="minutes of training, of all kinds together")
@option("--memory", metavar="SIZE", help="memory that a stage may take, such as 2GiB; else decided from what is free")
@json_option
def compare_tokenizers_command(name: str | None, minutes: float, memory: str | None, as_json: bool) -> int:
    """Find which kind of tokenizer suits a text: train a small model with each kind.

    The text is that of a run, or of a key or path; without a name the newest clean text.
    """
    if not 0 < minutes < float("inf"):
        raise BadInput(f"--minutes: got {minutes}, expected more than 0")
    store = Store.default()
    clean = _clean_text(store, name)
    budget = resolve_budget(memory, tree_bytes(psutil.Process()))
    errors = Console(stderr=True, highlight=False)
    with _bar(errors) as bar:
        task = bar.add_task("", total=None, note="trying a few steps")

        def show(done: float, total: float | None, unit: str, note: str = "") -> None:
            if unit == "tokenizer":
                bar.update(task, completed=done, total=total, note=note)

        contest = compare_tokenizers(store, clean, minutes, budget, show, errors.print)
    if as_json:
        print(contest.model_dump_json(indent=2))
    else:
        _print(contest, open_console())
    return 0


def _bar(console: Console) -> Progress:
    columns = (SpinnerColumn(), BarColumn(bar_width=28), TextColumn("{task.fields[note]}", markup=False))
    return Progress(*columns, TimeRemainingColumn(compact=True), console=console, transient=True)


def _clean_text(store: Store, name: str | None) -> Artifact:
    """The clean text of a run, or that an artifact is or was made from; the newest without a name."""
    if name is None:
        found = store.list("clean")
        if not found:
            raise BadInput("there is no clean text yet: make one with `slowburn run --until clean`")
        return found[-1]
    named = find(store, name)
    if isinstance(named, RunRecord):
        stage = named.stages.get("clean")
        artifact = store.find("clean", stage.key) if stage else None
    else:
        artifact = origins(store, named).get("clean")
    if artifact is None:
        raise BadInput(f"{name} has no clean text, or none that is still here: name a run that was cleaned")
    return artifact


def _print(contest: TokenizerContest, console: Console) -> None:
    console.print(Text(contest.verdict, "bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("tokenizer", no_wrap=True)
    for column in ("pieces", "bytes\na token", "steps", "passes", "bits\nper byte", "95 %", "above\nbest", "95 %"):
        table.add_column(column, justify="right", vertical="bottom", no_wrap=True)
    for trial in contest.trials:
        above = (f"{trial.minus_best:+.3f}", _span(trial.minus_best_ci95, "+")) if trial.minus_best else ("", "")
        numbers = (f"{trial.vocab_size:,}", f"{trial.bytes_per_token:.2f}", f"{trial.steps:,}", f"{trial.passes:.1f}")
        table.add_row(trial.kind, *numbers, f"{trial.bits_per_byte:.3f}", _span(trial.ci95), *above)
    console.print("", table, "")
    console.print(
        f"Each: {contest.layers} layers of width {contest.width}, {contest.flops:.2g} floating-point operations of "
        f"training on {format_text_size(contest.train_bytes)}; scored on {format_text_size(contest.heldout_bytes)} "
        f"({contest.units} {contest.unit}s), 95 % intervals, differences paired."
    )
    for reason in contest.reasons:
        console.print(Text(reason, "dim"))


def _span(ends: tuple[float, float] | None, sign: str = "") -> str:
    return f"{ends[0]:{sign}.3f}…{ends[1]:{sign}.3f}" if ends else ""
