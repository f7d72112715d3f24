"""`retrain`: look for new text, train a challenger, and promote it if it is better; for a system's own scheduler."""

from typing import Any

import click

from flows.cli.flow_options import flow_options
from flows.cli.prefect_settings import use_project_settings
from flows.commands.launch import launch
from flows.server_of_run import find_server
from flows.terminal import Terminal
from lm.champions.good_time import GoodTime
from lm.champions.retraining import RetrainPolicy
from lm.cli.command import command, command_line, field_option
from lm.cli.request import read_request
from lm.cli.signals import CAN_GO_ON, until_ended
from lm.run_config import RunConfig, given
from lm.settings.model import POLICY

POLICY_SECTION = "When and how to retrain"
GOOD_TIME = "good_time"


def _policy_options(function: Any) -> Any:
    """Declare an option for all that a retraining is told."""
    for model in (GoodTime, RetrainPolicy):
        for name in reversed([name for name in model.model_fields if name != GOOD_TIME]):
            function = field_option(model, name, section=POLICY_SECTION)(function)
    return function


@command()
@flow_options
@_policy_options
@click.pass_context
def retrain_command(
    ctx: click.Context, /, run_id: str | None, without_prefect: bool, opens_report: bool, **asked: Any
) -> int:
    """Look for new text, train a challenger, and make it the champion only if it is shown to be better.

    `slowburn champion` shows what was decided and how often to retrain, `slowburn rollback` undoes a promotion.
    """
    use_project_settings()
    request, typed = read_request(**_with_policy(asked), retrains=True), command_line(ctx)

    def plain(config: RunConfig, terminal: Terminal) -> None:
        from lm.pipeline.retrain import run_retraining

        run_retraining(config, request.resolved.policy, run_id=run_id, listener=terminal, command=typed)

    def through_prefect(config: RunConfig, terminal: Terminal) -> None:
        server = find_server()
        from flows.commands.flow_runner import run_flow  # two seconds of Prefect
        from flows.retrain import retrain

        run_flow(typed, terminal, server, lambda: retrain(config, request.resolved.policy, run_id, return_state=True))

    def use_prefect(config: RunConfig) -> bool:
        return not without_prefect

    return until_ended(lambda: launch(request, run_id, plain, through_prefect, use_prefect, opens_report), CAN_GO_ON)


def _with_policy(asked: dict[str, Any]) -> dict[str, Any]:
    """The options with those of the policy in its table, where settings have them."""
    good_time = given({name: asked.pop(name) for name in GoodTime.model_fields})
    policy = given({name: asked.pop(name) for name in RetrainPolicy.model_fields if name != GOOD_TIME})
    return asked | {POLICY: policy | ({GOOD_TIME: good_time} if good_time else {})}
