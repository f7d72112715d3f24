"""`prune`: remove what was not used for longest, until the rest fits a disk budget."""

from pydantic import ValidationError

from lm.cli.command import command, field_option, json_option, option
from lm.errors import BadInput
from lm.formatting import counted
from lm.inspection.pruning_lines import pruning_lines
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.memory.budget import parse_bytes
from lm.store.artifacts import Store
from lm.text.plain_text import visible


@command()
@option("--disk", required=True, metavar="SIZE", help="disk that all artifacts together may take, such as 5GiB")
@field_option(RetentionPolicy, "runs")
@field_option(RetentionPolicy, "champions")
@option("--yes", is_flag=True, help="remove them; without this the command only lists what would be removed")
@json_option
def prune_command(disk: str, runs: int | None, champions: int | None, yes: bool, as_json: bool) -> int:
    """Remove what has not been used for longest, until the rest fits a disk budget.

    Runs keep their record and their report. What was removed is made again by `slowburn run --like RUN`.
    """
    store = Store.default()
    pruning = plan_pruning(store, _policy(disk, {"runs": runs, "champions": champions}))
    gone = prune(store, pruning) if yes else []
    if as_json:
        print(pruning.model_dump_json(indent=2))
        return 0
    print(pruning.sentence)
    for line in pruning_lines(store, gone if yes else pruning.removals):
        print(f"  {visible(line)}")
    in_use = len(pruning.removals) - len(gone)
    if yes and in_use:
        print(f"Kept, for another process is at work on it: {counted(in_use, 'artifact')}.")
    if pruning.removals:
        print(f"Removed {counted(len(gone), 'artifact')}." if yes else "Nothing was removed yet: add --yes to do it.")
    return 0


def _policy(disk: str, kept: dict[str, int | None]) -> RetentionPolicy:
    asked = {name: number for name, number in kept.items() if number is not None}
    try:
        return RetentionPolicy.model_validate({"disk_bytes": parse_bytes(disk)} | asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"--{str(first['loc'][0]).removesuffix('_bytes')}: got {first['input']}: {first['msg']}"
        ) from None
