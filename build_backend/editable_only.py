"""The build backend: setuptools, which here makes nothing but an editable install of a checkout.

The packages are called `flows`, `tasks` and `lm`. Copied into site-packages they would overwrite, or be overwritten by,
whatever else has these names; an editable install only points to the checkout (docs/adr/0037).
"""

import sys
from typing import Any, NoReturn

from setuptools.build_meta import build_editable, get_requires_for_build_editable, prepare_metadata_for_build_editable

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
]


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> NoReturn:
    """Refuse a wheel before anything is downloaded for it."""
    sys.exit("Slowburn is used from its checkout: install it with `pip install -e .`, or let `make setup` do it.")


def get_requires_for_build_sdist(config_settings: dict[str, Any] | None = None) -> NoReturn:
    """Refuse a source archive too: what can be installed from one is a wheel."""
    get_requires_for_build_wheel()


def build_wheel(wheel_directory: str, *arguments: Any, **options: Any) -> NoReturn:
    """Refuse a wheel where the question for its requirements was left out."""
    get_requires_for_build_wheel()


def build_sdist(sdist_directory: str, *arguments: Any, **options: Any) -> NoReturn:
    """Refuse a source archive where the question for its requirements was left out."""
    get_requires_for_build_wheel()
