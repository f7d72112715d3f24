"""`inspect` and `verify`: what there is, and whether it is still what was written."""

import click

from lm.cli.command import command, json_option, option
from lm.cli.console import open_console
from lm.errors import BadInput
from lm.inspection.explain_table import print_why
from lm.inspection.listing import Listing, RunView, list_all, show
from lm.inspection.tables import print_artifact, print_listing, print_run, print_source, print_verification
from lm.inspection.verify import verify
from lm.runs.explain import explain
from lm.runs.find import find
from lm.runs.run_record import RunRecord, list_runs
from lm.store.artifacts import Store

NAME = click.argument("name", required=False, metavar="[RUN|KEY|PATH]")


@command()
@NAME
@option("--all", "everything", is_flag=True, help="artifacts too; of a run all of its settings")
@option("--why", is_flag=True, help="why each stage of a run was reused or computed")
@option("--source", metavar="PART", help="list what still contains a source, by a part of its name or address")
@json_option
def inspect_command(name: str | None, everything: bool, why: bool, source: str | None, as_json: bool) -> int:
    """List runs and their results, or show one run or artifact. The beginning of a name is enough."""
    if why and source is not None:
        raise click.UsageError("got both --why and --source, expected one of them", click.get_current_context())
    if why:
        return _inspect_why(name, as_json)
    if source is not None:
        return _inspect_source(name, source, as_json)
    view = show(Store.default(), name) if name else list_all(Store.default())
    if as_json:
        print(view.model_dump_json(indent=2))
    elif isinstance(view, Listing):
        print_listing(view, open_console(), everything=everything)
    elif isinstance(view, RunView):
        print_run(view, open_console(), everything=everything)
    else:
        print_artifact(view, open_console())
    return 0


def _inspect_why(name: str | None, as_json: bool) -> int:
    store = Store.default()
    run = find(store, name) if name else next(iter(list_runs(store)), None)
    if not isinstance(run, RunRecord):
        raise BadInput(f"--why tells about a run: {name + ' is an artifact' if name else 'there is none yet'}")
    why = explain(store, run)
    if as_json:
        print(why.model_dump_json(indent=2))
    else:
        print_why(why, open_console())
    return 0


def _inspect_source(name: str | None, source: str, as_json: bool) -> int:
    if name:
        raise BadInput("--source looks at everything that is here: leave the name of a run or artifact out")
    from lm.inspection.source import find_source  # brings pyarrow, which the other commands here need not load

    view = find_source(Store.default(), source)
    if as_json:
        print(view.model_dump_json(indent=2))
    else:
        print_source(view, open_console())
    return 0


@command()
@NAME
@json_option
def verify_command(name: str | None, as_json: bool) -> int:
    """Hash every file again and list the damaged ones; the exit code is 1 where there are any."""
    verification = verify(Store.default(), name)
    if as_json:
        print(verification.model_dump_json(indent=2))
    else:
        print_verification(verification, open_console())
    return 1 if verification.damages else 0
