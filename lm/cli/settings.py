"""`settings`: every setting, what it means, and where its value comes from; `init`: a file to set them in."""

import json
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.text import Text

from lm.cli.command import command, json_option, option
from lm.cli.console import open_console
from lm.cli.request import DEFAULT, Request, read_request, request_options
from lm.errors import BadInput
from lm.settings.catalogue import Setting, every_setting, in_words
from lm.settings.file import check_outside_corpus
from lm.settings.model import Settings
from lm.settings.template import settings_template
from lm.text.plain_text import visible
from lm.text.tool_files import SETTINGS_FILE

NAME_COLUMNS, VALUE_COLUMNS = 36, 24
INDENT = "    "
UNTOLD = ("", "none", "bytes")  # units: none, or said by the meaning


class _Row(NamedTuple):
    setting: Setting
    value: Any
    origin: str


@command()
@click.argument("part", metavar="[PART]", required=False)
@request_options
@json_option
def settings_command(part: str | None, as_json: bool, **asked: Any) -> int:
    """List every setting: its value here, where that comes from, what it means, its unit and its default.

    PART is a part of a name, such as train or memory. With the options of `run` it shows what they would change.
    """
    rows = _rows(read_request(**asked, retrains=True), part or "")
    if not rows:
        raise BadInput(f"no setting has {part} in its name: `slowburn settings` lists all")
    if as_json:
        print(json.dumps([row.setting._asdict() | {"here": row.value, "from": row.origin} for row in rows], indent=2))
        return 0
    console = open_console()
    for row in rows:
        console.print(_line(row), soft_wrap=True)
        for line in _wrapped(_explanation(row.setting), console):
            console.print(Text(INDENT + line, "dim"), soft_wrap=True)
    return 0


@command()
@request_options
@option(
    "--to",
    type=click.Path(path_type=Path),
    default=SETTINGS_FILE,
    metavar="FILE",
    help="the file to make; one that is there is never changed",
)
def init_command(to: Path, **asked: Any) -> int:
    """Write a settings file: every setting with its meaning, commented out where it has its default.

    The options of `run` go into it: `slowburn init --corpus notes/ --minutes 20`.
    """
    settings = read_request(**asked, retrains=True).resolved
    check_outside_corpus(to, settings.download.corpus)
    try:
        with to.open("x", encoding="utf-8", newline="\n") as file:
            file.write(settings_template(settings))
    except FileExistsError:
        raise BadInput(f"{to} is there already: change it, or name another file with --to") from None
    print(f"{to}: `slowburn run` reads it in this folder, `slowburn run --config {to}` anywhere")
    return 0


def _rows(request: Request, part: str) -> list[_Row]:
    values = request.resolved.model_dump(mode="json")  # without the secrets that an address may hold
    settings = [setting for setting in every_setting(Settings) if part in setting.name]
    return [_Row(setting, _value(values, setting.name), request.origin(setting.name)) for setting in settings]


def _value(values: dict[str, Any], name: str) -> Any:
    found: Any = values
    for part in name.split("."):
        found = found[part]
    return found


def _line(row: _Row) -> Text:
    value = visible(in_words(row.value))
    return Text.assemble(
        (f"{row.setting.name:{NAME_COLUMNS}} ", "bold"),
        (f"{value:{VALUE_COLUMNS}} ", "" if row.origin == DEFAULT else "green"),
        (visible(row.origin), "dim" if row.origin == DEFAULT else "green"),
    )


def _explanation(setting: Setting) -> str:
    unit = f", in {setting.unit}" if setting.unit not in UNTOLD else ""
    return f"{setting.meaning} ({setting.value}{unit}; default {setting.default})"


def _wrapped(text: str, console: Console) -> list[str]:
    """Lines that fit the terminal; one line where there is none, for programs to read."""
    return textwrap.wrap(text, console.width - len(INDENT)) if console.is_terminal else [text]
