"""What a flow run was asked for, and what it is called: after its corpus and its minutes, or after its run id."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from prefect.runtime import flow_run

from lm.errors import BadInput
from lm.run_config import RunConfig, build_config
from lm.runs.rerun_config import rerun_config
from lm.runs.run_name import request_name
from lm.settings.file import with_settings_file
from lm.store.artifacts import Store

UNIQUE_DIGITS = 6


def flow_run_name() -> str:
    """A name such as `tiny-shakespeare-3min-4f09ac`, the same for every retry of the run."""
    parameters: dict[str, Any] = flow_run.get_parameters()
    config = RunConfig.model_validate(parameters["config"])
    with suppress(BadInput):  # the flow tells of it
        settings = parameters.get("settings") or ()
        config = asked_config(config, parameters.get("settings_file"), parameters.get("like"), settings)
    asked = parameters.get("run_id") or request_name(config)
    return f"{asked}-{str(flow_run.get_id()).replace('-', '')[-UNIQUE_DIGITS:]}"


def asked_config(
    config: RunConfig, settings_file: str | None = None, like: str | None = None, settings: Sequence[str] = ()
) -> RunConfig:
    """The config that a flow run is to have: its own, with what a file says below, or that of an earlier run.

    Over either lie `settings`. Raises BadInput.
    """
    if like is not None:
        if config != RunConfig() or settings_file:
            raise BadInput(
                "like goes with settings alone: got config or settings_file too, which say what to begin with"
            )
        return rerun_config(Store.default(), like, settings)
    if settings_file:
        config = with_settings_file(settings_file, config).run
    return build_config(config.model_dump(context={"secrets": True}), settings) if settings else config
