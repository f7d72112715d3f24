"""Every setting in words: meaning, what can be given, unit, default."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lm.config import StageConfig
from lm.memory.budget import Size
from lm.run_config import settings_of

# What a number counts, by the last word of its name.
UNITS = {
    "bytes": "bytes",
    "seconds": "seconds",
    "minutes": "minutes",
    "percent": "percent",
    "words": "words",
    "tokens": "tokens",
    "context": "tokens",
    "size": "tokens",
    "k": "tokens",
    "layers": "layers",
    "width": "channels",
    "heads": "heads",
    "sequences": "sequences",
    "steps": "steps",
    "threads": "threads",
    "retries": "attempts",
    "samples": "samples",
    "resamples": "samples",
    "seeds": "models",
    "elders": "models",
    "order": "bytes",
    "share": "share",
    "fraction": "share",
    "symbols": "share",
    "repeated": "share",
    "dropout": "share",
    "p": "probability",
    "margin": "bits per byte",
    "drift": "bits per byte",
    "rate": "learning rate",
    "decay": "factor",
    "penalty": "factor",
    "temperature": "factor",
    "temperatures": "factor",
    "seed": "none",
}
SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
NUMBERS = {int: "whole number", float: "number"}
SEQUENCES = (tuple, list)
EMPTY = "empty"


class Setting(NamedTuple):
    """One setting, in words."""

    name: str
    meaning: str
    value: str  # what can be given, and its bounds
    unit: str
    default: str


def every_setting(model: type[StageConfig], prefix: str = "") -> list[Setting]:
    """Every setting of a config, in its order. Raises LookupError for one that is not described, or has no unit."""
    return [_setting(name, field) for name, field in settings_of(model, prefix).items()]


def in_words(value: Any) -> str:
    """A value as it is given."""
    if value is None or value in ((), []):
        return EMPTY
    if isinstance(value, SEQUENCES):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _setting(name: str, field: FieldInfo) -> Setting:
    if not field.description:
        raise LookupError(f"setting {name} has no description: give it one")
    return Setting(name, field.description, _value(field), _unit(name, field), in_words(field.default))


def _value(field: FieldInfo) -> str:
    kind, limits = _kind_and_limits(field)
    bounds = [
        f"{sign} {in_words(getattr(limit, name))}" for limit in limits for name, sign in SIGNS if hasattr(limit, name)
    ]
    return ", ".join([_kind_in_words(kind, limits), *bounds])


def _kind_in_words(kind: Any, limits: list[Any]) -> str:
    if get_args(Size)[1] in limits:
        return "a size, such as 2GiB"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) in SEQUENCES:
        inner, _ = _without_limits(get_args(kind)[0])
        return f"list of {NUMBERS.get(inner, 'text')}s"
    return {**NUMBERS, bool: "true or false", str: "text"}[kind]


def _kind_and_limits(field: FieldInfo) -> tuple[Any, list[Any]]:
    """The type of a setting that is given, and everything that limits it."""
    kind, limits = _without_limits(field.annotation)
    if get_origin(kind) in SEQUENCES:
        limits = limits + _without_limits(get_args(kind)[0])[1]
    return kind, [*field.metadata, *limits]


def _without_limits(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without `None` and `Annotated`, and what these said."""
    if get_origin(annotation) is Annotated:
        inner, *limits = get_args(annotation)
        return inner, limits
    if get_origin(annotation) in (Union, UnionType):
        (given,) = (kind for kind in get_args(annotation) if kind is not NoneType)
        return _without_limits(given)
    return annotation, []


def _unit(name: str, field: FieldInfo) -> str:
    kind, limits = _kind_and_limits(field)
    inner = _without_limits(get_args(kind)[0])[0] if get_origin(kind) in SEQUENCES else kind
    if get_args(Size)[1] in limits:
        return "bytes"
    if inner not in NUMBERS:
        return ""
    word = name.replace(".", "_").split("_")[-1]
    if word not in UNITS:
        raise LookupError(f"setting {name} has no unit: end its name with one, or add the word to UNITS in {__name__}")
    return UNITS[word]
