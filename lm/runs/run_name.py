"""What a run is called where nobody names it: after the time, its corpus and its minutes."""

import re
import secrets
from datetime import datetime
from pathlib import PurePosixPath

from lm.run_config import RunConfig

MAX_CHARACTERS = 40
UNIQUE_BYTES = 3


def new_run_id(config: RunConfig) -> str:
    """A name such as `20261129-045217-tiny-shakespeare-3min-4f09ac`: by the alphabet they are in order of time."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{request_name(config)}-{secrets.token_hex(UNIQUE_BYTES)}"


def request_name(config: RunConfig) -> str:
    """What is asked for, such as `tiny-shakespeare-3min`."""
    return f"{_corpus(config)}-{config.minutes:g}min"


def _corpus(config: RunConfig) -> str:
    """The names of the sources; of paths and addresses the last part."""
    words = config.model_dump()["download"]["corpus"]  # without the secrets that an address may hold
    names = (PurePosixPath(word.replace("\\", "/")).stem for word in words)
    slugs = (re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") for name in names)
    return "-".join(filter(None, slugs))[:MAX_CHARACTERS].strip("-") or "corpus"
