"""`retrain`: look for new text, train a challenger, and promote it if it is better; for a system's own scheduler."""

from typing import Any

import click

from flows.cli.flow_options import flow_options, read_flow_request
from flows.cli.prefect_settings import use_project_settings
from flows.commands.launch import launch
from flows.server_of_run import find_server
from flows.terminal import Terminal
from lm.champions.retraining import RetrainPolicy
from lm.cli.command import command, command_line, field_option
from lm.cli.signals import CAN_GO_ON, until_ended
from lm.run_config import RunConfig

POLICY = "When and how to retrain"


@command()
@flow_options
@field_option(RetrainPolicy, "when", section=POLICY)
@field_option(RetrainPolicy, "weights", section=POLICY)
@click.pass_context
def retrain_command(
    ctx: click.Context, /, when: str | None, weights: str | None, without_prefect: bool, **asked: Any
) -> int:
    """Look for new text, train a challenger, and make it the champion only if it is shown to be better.

    `slowburn champion` shows what was decided and how often to retrain, `slowburn rollback` undoes a promotion.
    """
    use_project_settings()
    request, given = read_flow_request(**asked), command_line(ctx)
    named = {"when": when, "weights": weights}
    policy = RetrainPolicy.model_validate({name: value for name, value in named.items() if value})

    def plain(config: RunConfig, terminal: Terminal) -> None:
        from lm.pipeline.retrain import run_retraining

        run_retraining(config, policy, run_id=request.run_id, listener=terminal, command=given)

    def through_prefect(config: RunConfig, terminal: Terminal) -> None:
        server = find_server()
        from flows.commands.flow_runner import run_flow  # two seconds of Prefect
        from flows.retrain import retrain

        run_flow(given, terminal, server, lambda: retrain(config, policy, request.run_id, return_state=True))

    return until_ended(lambda: launch(request, plain, through_prefect, lambda config: not without_prefect), CAN_GO_ON)
