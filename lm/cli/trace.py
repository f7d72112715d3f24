"""`python -m lm trace`: where a text comes from."""

import argparse
import json

from rich.console import Console
from rich.text import Text

from lm.cli.command import Command, add_json, named_model
from lm.cli.standard_input import read_standard_input
from lm.errors import BadInput, SlowburnError
from lm.formatting import format_count
from lm.runs.lineage import origins
from lm.store.artifacts import Artifact, Store
from lm.text.plain_text import visible


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="the text to look for; `-` reads standard input")
    parser.add_argument("--model", help="whose training text: run id, key or path; the champion's, else the newest's")
    parser.add_argument("--most", type=int, default=5, help="passages to show (default 5)")
    add_json(parser)


def _trace(options: argparse.Namespace) -> int:
    if options.most < 1:
        raise BadInput(f"--most: got {options.most}, expected 1 or more")
    text = read_standard_input() if options.text == "-" else options.text
    clean = training_text(Store.default(), options.model)
    from lm.text.attribution import trace  # brings pyarrow

    passages = trace(text, clean.path, options.most)
    if options.json:
        print(json.dumps([passage.model_dump() for passage in passages], indent=2, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    for passage in passages:
        title = f", {passage.title}" if passage.title and passage.title != passage.source else ""
        more = f", and in {passage.places - 1:,} more places" if passage.places > 1 else ""
        where = f"{passage.source}{title}, document {passage.document_id}, line {passage.line:,}{more}"
        console.print(Text(f"{format_count(len(passage.text))} characters in {where}", "bold"))
        console.print(Text(f"licence: {visible(passage.licence)}", "dim"))
        shown = [(passage.before, "dim"), (passage.text, "green"), (passage.after, "dim")]
        console.print(Text.assemble(*((visible(part), style) for part, style in shown)), "")
    if not passages:
        print("Nothing: the training text shares no stretch of 8 bytes with it that is more than white space.")
    return 0


def training_text(store: Store, name: str | None) -> Artifact:
    """The clean text behind a model. Raises SlowburnError when it is not here any more."""
    model = named_model(store, name)
    clean = origins(store, model).get("clean")
    if clean is None:
        raise SlowburnError(f"the text that {model.key} was trained on is not here any more: run its pipeline again")
    return clean


TRACE = Command("find where in the training text a text comes from", _declare, _trace)
