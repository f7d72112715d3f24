"""Keys: the hash of all that decides the content of an artifact."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

MAX_VERSION = 64  # of a stage, that is looked for


def artifact_key(stage: str, version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Hash all that decides an artifact's content into the 16 hexadecimal digits that name it."""
    return fingerprint({"stage": stage, "version": version, "config": config, "inputs": dict(inputs)})


def version_behind(key: str, stage: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> int | None:
    """The version of a stage with which config and inputs give this key; None where none does."""
    versions = range(1, MAX_VERSION + 1)
    return next((version for version in versions if artifact_key(stage, version, config, inputs) == key), None)


def fingerprint(value: Any) -> str:
    """Hash any JSON value, whatever the order of its keys, to 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
