"""What a flow run was asked for, and what it is called: after its corpus and its minutes, or after its run id."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from prefect.runtime import flow_run

from lm.errors import BadInput
from lm.run_config import RunConfig, build_config
from lm.runs.rerun_config import rerun_config
from lm.runs.run_name import request_name
from lm.store.artifacts import Store

UNIQUE_DIGITS = 6


def flow_run_name() -> str:
    """A name such as `tiny-shakespeare-3min-4f09ac`, the same for every retry of the run."""
    parameters: dict[str, Any] = flow_run.get_parameters()
    config = RunConfig.model_validate(parameters["config"])
    with suppress(BadInput):  # the flow tells of it
        config = asked_config(config, parameters.get("like"), parameters.get("settings") or ())
    asked = parameters.get("run_id") or request_name(config)
    return f"{asked}-{str(flow_run.get_id()).replace('-', '')[-UNIQUE_DIGITS:]}"


def asked_config(config: RunConfig, like: str | None, settings: Sequence[str]) -> RunConfig:
    """The config that a flow run is to have: its own or that of an earlier run, with settings changed.

    Raises BadInput.
    """
    if like is None:
        return build_config(config.model_dump(context={"secrets": True}), settings) if settings else config
    if config != RunConfig():
        raise BadInput("got both config and like: give one of them, and what is to be changed as settings")
    return rerun_config(Store.default(), like, settings)
