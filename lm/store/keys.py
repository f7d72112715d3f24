"""Keys: the hash of all that decides the content of an artifact."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def artifact_key(stage: str, version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Hash all that decides an artifact's content into the 16 hexadecimal digits that name it."""
    return fingerprint({"stage": stage, "version": version, "config": config, "inputs": dict(inputs)})


def fingerprint(value: Any) -> str:
    """Hash any JSON value, whatever the order of its keys, to 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
