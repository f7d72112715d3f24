"""A program of many commands, each loaded when it is asked for: to list them, or to complete a name, loads none."""

import importlib
from collections.abc import Iterable
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

from lm.cli.command import SETTINGS


class Entry(NamedTuple):
    """A command as the overview lists it; `module` has it as `NAME_command`."""

    name: str
    section: str
    summary: str
    module: str


class LazyGroup(click.Group):
    """Commands by section."""

    def __init__(self, entries: Iterable[Entry], description: str) -> None:
        super().__init__(help=description, context_settings=SETTINGS, no_args_is_help=True)
        self.entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as they are to be listed."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None where there is none."""
        return self.load(cmd_name) if cmd_name in self.entries else None

    def load(self, name: str) -> click.Command:
        """Import a command."""
        module = importlib.import_module(self.entries[name].module)
        command: click.Command = getattr(module, f"{name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names, and say which names are near where there is none."""
        if not args[0].startswith("-") and args[0] not in self.entries and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=list(self.entries), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview."""
        width = max(map(len, self.entries))
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                rows = [entry for entry in self.entries.values() if entry.section == section]
                formatter.write_dl([(f"{entry.name:{width}}", entry.summary) for entry in rows])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may stand here: a command's name, or an option."""
        found = [entry for entry in self.entries.values() if entry.name.startswith(incomplete)]
        items = [CompletionItem(entry.name, help=entry.summary) for entry in found]
        return items + click.Command.shell_complete(self, ctx, incomplete)
