"""`trace`: where a text comes from."""

import json

import click
from rich.text import Text

from lm.cli.command import command, json_option, option
from lm.cli.console import open_console
from lm.cli.names import named_model
from lm.cli.standard_input import read_standard_input
from lm.errors import BadInput, SlowburnError
from lm.formatting import format_count
from lm.runs.lineage import origins
from lm.store.artifacts import Artifact, Store
from lm.text.plain_text import visible


@command()
@click.argument("text")
@option(
    "--model",
    metavar="MODEL",
    help="model whose training text is searched: run id, key or path; else the champion, else the newest",
)
@option("--most", type=int, default=5, metavar="PASSAGES", help="passages to show")
@json_option
def trace_command(text: str, model: str | None, most: int, as_json: bool) -> int:
    """Find the passages of the training text that TEXT contains; `-` reads it from standard input."""
    if most < 1:
        raise BadInput(f"--most: got {most}, expected 1 or more")
    sought = read_standard_input() if text == "-" else text
    clean = training_text(Store.default(), model)
    from lm.text.attribution import trace  # brings pyarrow

    passages = trace(sought, clean.path, most)
    if as_json:
        print(json.dumps([passage.model_dump() for passage in passages], indent=2, ensure_ascii=False))
        return 0
    console = open_console()
    for passage in passages:
        title = f", {passage.title}" if passage.title and passage.title != passage.source else ""
        more = f", and in {passage.places - 1:,} more places" if passage.places > 1 else ""
        where = f"{passage.source}{title}, document {passage.document_id}, line {passage.line:,}{more}"
        console.print(Text(f"{format_count(len(passage.text))} characters in {where}", "bold"))
        console.print(Text(f"licence: {visible(passage.licence)}", "dim"))
        shown = [(passage.before, "dim"), (passage.text, "green"), (passage.after, "dim")]
        console.print(Text.assemble(*((visible(part), style) for part, style in shown)), "")
    if not passages:
        print("Nothing found: the training text and this text share no 8 bytes in a row, apart from white space.")
    return 0


def training_text(store: Store, name: str | None) -> Artifact:
    """The clean text behind a model. Raises SlowburnError when it is not here any more."""
    model = named_model(store, name)
    clean = origins(store, model).get("clean")
    if clean is None:
        raise SlowburnError(f"the text that {model.key} was trained on is not here any more: run its pipeline again")
    return clean
