"""`completion`: shells complete commands and options."""

import click
from click.shell_completion import get_completion_class

from lm.cli.command import command
from lm.errors import SlowburnError

EXAMPLES = """bash:  slowburn completion bash > ~/.local/share/bash-completion/completions/slowburn
zsh:   slowburn completion zsh > ~/.zfunc/_slowburn      (with fpath+=~/.zfunc before compinit)
fish:  slowburn completion fish > ~/.config/fish/completions/slowburn.fish"""


@command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete commands and options."""
    found = get_completion_class(shell)
    assert found, "click knows these three"
    try:
        print(found(ctx.command, {}, "slowburn", "_SLOWBURN_COMPLETE").source())
    except RuntimeError as error:
        raise SlowburnError(f"completion: {error}") from None
    return 0
