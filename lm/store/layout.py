"""Where the artifacts of each stage are kept. The stages enter themselves here when `lm/stages.py` is imported."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass

MAX_SEEDS = 16
REPLICAS = tuple(f"replica-{number}" for number in range(1, MAX_SEEDS + 1))  # members of an ensemble


@dataclass(frozen=True)
class _Place:
    folder: str
    module: str


_places: dict[str, _Place] = {}
_roles: dict[str, str] = {}


def enter(stage: str, folder: str, module: str, roles: Iterable[str] = ()) -> None:
    """Enter a stage: its folder below the root, the module that enters it, other names that its artifacts go by."""
    _places[stage] = _Place(folder, module)
    _roles.update(dict.fromkeys(roles, stage))


def folder_of(stage_or_role: str) -> str:
    """Folder below the root of the artifacts of a stage, or of a role."""
    return _places[stage_of(stage_or_role)].folder


def stage_of(stage_or_role: str) -> str:
    """Name of the stage that makes what is named: itself, or that of a role such as `init`."""
    return _roles.get(stage_or_role, stage_or_role)


def is_known(name: str) -> bool:
    """Whether this is the name of a stage or of a role."""
    return stage_of(name) in _places


def stage_names() -> tuple[str, ...]:
    """Names of all stages, in the order of the pipeline."""
    return tuple(_places)


def position(stage: str) -> int:
    """Place of a stage in the pipeline, from 0."""
    return list(_places).index(stage)


def entering_modules() -> list[str]:
    """Modules whose import enters the stages: a child process is started with them."""
    return list(dict.fromkeys(place.module for place in _places.values()))


def enter_all(modules: Iterable[str]) -> None:
    """Import the modules that enter the stages."""
    for module in modules:
        importlib.import_module(module)
