"""What a command is made of: options in sections, several words after one option, one line for what went wrong."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click
from click.types import OptionHelpExtra

from lm.cli.outputs import open_outputs
from lm.errors import NO_PROCESS, SlowburnError, check_utf8, explained, is_no_thread
from lm.local_only import stay_local

if TYPE_CHECKING:
    from pydantic import BaseModel  # 50 ms that `--version` need not wait for

Decorator = Callable[[Any], Any]
ASKED = "lm.cli.asked"  # the arguments as they were given, in a context's meta
OTHER_OPTIONS = "Options"


class Option(click.Option):
    """An option that stands in a section of the help, shows its default, and may take several words."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        section: str = OTHER_OPTIONS,
        several: bool = False,
        default_text: str = "",
        **settings: Any,
    ) -> None:
        super().__init__(names, **{"show_default": True, "multiple": several, **settings})
        self.section, self.several, self.default_text = section, several, default_text

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """Show as default what holds where nothing is given, which may be decided elsewhere."""
        extra = super().get_help_extra(ctx)
        return {**extra, "default": self.default_text} if self.default_text else extra

    def make_metavar(self, ctx: click.Context) -> str:
        """Show that more words may follow."""
        return super().make_metavar(ctx) + " …" * self.several


class Command(click.Command):
    """A command whose function returns the exit code. Its SlowburnErrors become one line and their exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        ctx.meta[ASKED] = list(args)
        return super().parse_args(ctx, _one_word_each(ctx, self.params, args))

    def invoke(self, ctx: click.Context) -> int:
        """Do it."""
        try:
            code: int = super().invoke(ctx) or 0
            sys.stdout.flush()
        except SlowburnError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        except BrokenPipeError:  # whoever reads has read enough
            _drop_output()
            return 0
        except SystemExit as error:
            if isinstance(error.__context__, BrokenPipeError):  # what rich makes of it
                return 0
            raise
        except OSError as error:
            _drop_output()  # or Python would try again to write what is left, and fail again
            problem = explained(error)
            print(problem, file=sys.stderr)
            return problem.exit_code
        except RuntimeError as error:
            if not is_no_thread(str(error)):
                raise
            print(NO_PROCESS, file=sys.stderr)
            return SlowburnError.exit_code
        return code

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options section by section, in the order in which they were declared."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                sections.setdefault(getattr(param, "section", OTHER_OPTIONS), []).append(record)
        for section in sorted(sections, key=lambda name: name == OTHER_OPTIONS):
            with formatter.section(section):
                formatter.write_dl(sections[section])


def command(epilog: str = "") -> Callable[[Callable[..., int]], Command]:
    """Make a function `NAME_command` the command NAME: its docstring is the help, `epilog` follows as it is."""
    text = "\n\n".join(f"\b\n{paragraph}" for paragraph in epilog.split("\n\n")) if epilog else None

    def decorate(function: Callable[..., int]) -> Command:
        return click.command(cls=Command, epilog=text, context_settings=SETTINGS)(function)

    return decorate


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def option(*names: str, **settings: Any) -> Decorator:
    """Declare an option: what click's takes, `section`, and `several` where more words may follow."""
    return click.option(*names, cls=Option, **settings)


def field_option(model: "type[BaseModel]", name: str, **settings: Any) -> Decorator:
    """Declare the option of a model's field, with the field's description and default; None where it is not given."""
    field = model.model_fields[name]
    kinds = [kind for kind in get_args(field.annotation) or [field.annotation] if kind is not NoneType]
    asked: dict[str, Any] = {"type": kinds[0] if kinds[0] in (int, float) else str}
    if get_origin(field.annotation) is Literal:
        asked = {"type": click.Choice(kinds)}
    if kinds == [bool]:
        asked = {"is_flag": True}
    if field.default is not None and kinds != [bool]:
        asked["default_text"] = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
    flag = f"--{name.replace('_', '-')}"
    return option(flag, **{"default": None, "help": field.description, **asked, **settings})


def json_option(function: Any) -> Any:
    """Declare `--json`."""
    return option("--json", "as_json", is_flag=True, help="print JSON instead of text")(function)


def command_line(ctx: click.Context) -> str:
    """The command as it was given, to be given again."""
    return shlex.join([*ctx.command_path.split(), *ctx.meta[ASKED]])


def start(command: click.Command, program: str, arguments: list[str] | None = None) -> int:
    """Do what the command line says; returns the exit code, 2 where it cannot be understood."""
    open_outputs()
    stay_local()
    try:
        given = [check_utf8(word) for word in (sys.argv[1:] if arguments is None else arguments)]
        return int(command.main(given, prog_name=program, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return error.exit_code
    except click.ClickException as error:
        ctx = getattr(error, "ctx", None)
        path = ctx.command_path if ctx else program
        print(f"{path}: {error.format_message().rstrip('.')} (`{path} --help` lists what there is)", file=sys.stderr)
        return error.exit_code
    except SlowburnError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except click.Abort:  # what click makes of Ctrl-C, once it has ended the line
        raise KeyboardInterrupt from None


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_word_each(ctx: click.Context, params: Sequence[click.Parameter], arguments: Sequence[str]) -> list[str]:
    """Write `--corpus a b` as `--corpus a --corpus b`, for the options that take several words."""
    several = {name for param in params if getattr(param, "several", False) for name in param.opts}
    written: list[str] = []
    taking = ""  # the option whose words these are
    for number, word in enumerate(arguments):
        if word == "--":
            return written + list(arguments[number:])
        if word.startswith("-") and word != "-":
            _check_has_word(ctx, taking, written)
            taking = word if word in several else ""
            written.append(word)
        else:
            written += [taking, word] if taking and written[-1] != taking else [word]
    _check_has_word(ctx, taking, written)
    return written


def _check_has_word(ctx: click.Context, option: str, written: list[str]) -> None:
    if option and written[-1] == option:
        raise click.BadOptionUsage(option, f"{option} got no word, expected one or more", ctx)
