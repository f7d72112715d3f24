"""commands.md: every command of the console script, from what declares its options."""

import inspect
from collections.abc import Iterator

import click

from docs.reference_builder.markdown import code, page, table
from flows.cli.main import ENTRIES, PROGRAM, slowburn
from lm.cli.command import OTHER_OPTIONS
from lm.cli.group import Entry

INTRODUCTION = """`slowburn COMMAND --help` says the same in the terminal. An option that shows `…` takes several words:
`--corpus a.txt b.txt`. The commands marked with * need no Prefect."""


def commands_page() -> str:
    """The page."""
    program = slowburn()
    context = click.Context(program, info_name=PROGRAM)
    parts = [INTRODUCTION, _overview()]
    for entry in ENTRIES:
        parts += _command(click.Context(program.load(entry.name), parent=context, info_name=entry.name))
    return page("Commands", *parts)


def _overview() -> str:
    rows = [(entry.section, f"[{entry.name}](#{entry.name}){_star(entry)}", entry.summary) for entry in ENTRIES]
    return table(("section", "command", "what it does"), rows)


def _star(entry: Entry) -> str:
    return "*" if entry.module.startswith("lm.") else ""


def _command(context: click.Context) -> Iterator[str]:
    """Heading, purpose, usage, options and examples of one command."""
    command = context.command
    yield f"## {context.info_name}"
    yield _paragraphs(command.help or "")
    yield f"```\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```"
    options = [param for param in command.params if isinstance(param, click.Option)]
    if options:
        yield table(("option", "meaning", "default"), (_option(option, context) for option in _in_sections(options)))
    if command.epilog:
        yield f"```\n{_paragraphs(command.epilog)}\n```"


def _in_sections(options: list[click.Option]) -> list[click.Option]:
    """Options in the order of `--help`: section by section, those of none last."""
    sections = list(dict.fromkeys(_section(option) for option in options))
    order = sorted(sections, key=lambda name: name == OTHER_OPTIONS)
    return sorted(options, key=lambda option: order.index(_section(option)))


def _section(option: click.Option) -> str:
    return getattr(option, "section", OTHER_OPTIONS)


def _option(option: click.Option, context: click.Context) -> tuple[str, ...]:
    written, _ = option.get_help_record(context) or ("", "")
    extra = option.get_help_extra(context)
    default = "required" if option.required else code(extra.get("default", ""))
    return code(written), option.help or "", default


def _paragraphs(text: str) -> str:
    """Text without click's mark for what it is not to wrap."""
    return inspect.cleandoc(text.replace("\b\n", ""))
