"""`retrain`: look for new text, train a challenger, and promote it if it is better; for a system's own scheduler."""

from typing import Any

import click

from flows.cli.flow_options import flow_options, read_flow_request
from flows.cli.prefect_settings import use_project_settings
from flows.cli.signals import until_ended
from lm.champions.retraining import RetrainPolicy
from lm.cli.command import command, command_line, field_option

POLICY = "When and how to retrain"


@command()
@flow_options
@field_option(RetrainPolicy, "when", section=POLICY)
@field_option(RetrainPolicy, "weights", section=POLICY)
@click.pass_context
def retrain_command(ctx: click.Context, /, when: str | None, weights: str | None, **asked: Any) -> int:
    """Look for new text, train a challenger, and make it the champion only if it is shown to be better.

    `slowburn champion` shows what was decided and how often to retrain, `slowburn rollback` undoes a promotion.
    """
    use_project_settings()
    request = read_flow_request(**asked)
    named = {"when": when, "weights": weights}
    policy = RetrainPolicy.model_validate({name: value for name, value in named.items() if value})

    def work() -> int:
        from flows.commands.flow_runner import run  # a second of Prefect
        from flows.retrain import retrain

        return run(
            command_line(ctx), request, lambda config: retrain(config, policy, request.run_id, return_state=True)
        )

    return until_ended(work)
