"""Where a command writes for people: as wide as their terminal, and never cut short where there is none."""

from rich.console import Console

PIPE_COLUMNS = 100_000  # a file or a pipe has no width: no line is folded or cut for it


def open_console() -> Console:
    """The console on standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console
