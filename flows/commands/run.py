"""`run`: the pipeline from a terminal, with no server to start, and an exit code that means it."""

from typing import Any, get_args

import click

from flows.cli.flow_options import flow_options, read_flow_request
from flows.cli.prefect_settings import use_project_settings
from flows.cli.signals import until_ended
from lm.cli.command import command, command_line, option
from lm.pipeline.run import StageName

STAGES = get_args(StageName)
EXAMPLES = """Examples:
  slowburn run                                    the embedded corpus, three minutes
  slowburn run --corpus notes/ --minutes 20       your own folder of texts
  slowburn run --corpus lovecraft --memory 2GiB
  slowburn run --set train.layers=4 train.steps=500

Exit codes: 0 complete; 75 stopped with progress saved, run it again; 78 does not fit this memory; 130 interrupted"""


@command(epilog=EXAMPLES)
@flow_options
@option("--until", type=click.Choice(STAGES), default=STAGES[-1], help="last stage to run")
@option("--replan", is_flag=True, help="choose the numbers anew instead of the kept plan")
@click.pass_context
def run_command(ctx: click.Context, /, until: Any, replan: bool, **asked: Any) -> int:
    """Download, clean, tokenize, train, evaluate and generate; what is done already is reused."""
    use_project_settings()
    request = read_flow_request(**asked)

    def work() -> int:
        from flows.commands.flow_runner import run  # a second of Prefect
        from flows.pipeline import pipeline

        given = command_line(ctx)
        return run(given, request, lambda config: pipeline(config, request.run_id, until, replan, return_state=True))

    return until_ended(work)
