"""`run`: the pipeline from a terminal, with no server to start, and an exit code that means it."""

from typing import Any, get_args

import click

from flows.cli.flow_options import flow_options
from flows.cli.prefect_settings import is_recorded, use_project_settings
from flows.commands.launch import launch
from flows.server_of_run import find_server
from flows.terminal import Terminal
from lm.cli.command import command, command_line, option
from lm.cli.request import read_request
from lm.cli.signals import CAN_GO_ON, until_ended
from lm.pipeline.run import StageName, is_all_done, run_pipeline
from lm.run_config import RunConfig

STAGES = get_args(StageName)
EXAMPLES = """Examples:
  slowburn run                                    the embedded corpus, three minutes
  slowburn run --corpus notes/ --minutes 20       your own folder of texts
  slowburn run --corpus lovecraft --memory 2GiB
  slowburn run --set train.layers=4 train.steps=500
  slowburn run --config notes.toml                what `slowburn init` writes, changed

Exit codes: 0 complete; 75 stopped with progress saved, run it again; 78 does not fit this memory; 130 interrupted"""


@command(epilog=EXAMPLES)
@flow_options
@option("--until", type=click.Choice(STAGES), default=STAGES[-1], help="last stage to run")
@option("--replan", is_flag=True, help="make a new plan instead of using the kept one")
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    run_id: str | None,
    until: Any,
    replan: bool,
    without_prefect: bool,
    opens_report: bool,
    **asked: Any,
) -> int:
    """Download, clean, tokenize, train, evaluate and generate; what is done already is reused."""
    use_project_settings()
    request, given = read_request(**asked), command_line(ctx)

    def use_prefect(config: RunConfig) -> bool:
        return not without_prefect and (is_recorded() or replan or not is_all_done(config, until))

    def plain(config: RunConfig, terminal: Terminal) -> None:
        run_pipeline(config, run_id=run_id, until=until, replan=replan, listener=terminal, command=given)

    def through_prefect(config: RunConfig, terminal: Terminal) -> None:
        server = find_server()
        from flows.commands.flow_runner import run_flow  # two seconds of Prefect
        from flows.pipeline import pipeline

        run_flow(given, terminal, server, lambda: pipeline(config, run_id, until, replan, return_state=True))

    return until_ended(lambda: launch(request, run_id, plain, through_prefect, use_prefect, opens_report), CAN_GO_ON)
