"""What a flow run is called: after its corpus and its minutes, or after the run id that was asked for."""

import re
from pathlib import PurePosixPath
from typing import Any

from prefect.runtime import flow_run

from lm.run_config import RunConfig

MOST_CHARACTERS = 40
UNIQUE_DIGITS = 6


def flow_run_name() -> str:
    """A name such as `tiny-shakespeare-3min-4f09ac`, the same for every retry of the run."""
    parameters: dict[str, Any] = flow_run.get_parameters()
    config = RunConfig.model_validate(parameters["config"])
    asked = parameters.get("run_id") or f"{_corpus(config)}-{config.minutes:g}min"
    return f"{asked}-{str(flow_run.get_id()).replace('-', '')[-UNIQUE_DIGITS:]}"


def _corpus(config: RunConfig) -> str:
    """The names of the sources; of paths and addresses the last part."""
    words = config.model_dump()["download"]["corpus"]  # without the secrets that an address may hold
    names = (PurePosixPath(word.replace("\\", "/")).stem for word in words)
    slugs = (re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") for name in names)
    return "-".join(filter(None, slugs))[:MOST_CHARACTERS].strip("-") or "corpus"
