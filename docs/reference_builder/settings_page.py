"""settings.md: every setting of a run and of a retraining."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from docs.reference_builder.markdown import code, description, page, table
from lm.champions.good_time import GoodTime
from lm.champions.retraining import RetrainPolicy
from lm.config import StageConfig
from lm.memory.budget import Size
from lm.run_config import RunConfig

INTRODUCTION = """Each setting has one name everywhere. `slowburn run --set NAME=VALUE …` takes it, the value in YAML:
`--set train.layers=4 download.corpus=[a.txt,b.txt]`. The form of a Prefect deployment and `prefect.yaml` take it below
`config`. From Python it is a field of `RunConfig`. Some settings of a run have an option of their own too: see
[commands.md](commands.md). A name that does not exist, or a value out of bounds, is refused before anything starts.

Empty: the plan or the stage decides, or there is no limit, as the meaning says."""
RETRAINING = """What a retraining is told besides. In a deployment: below `policy`. `slowburn retrain` takes `--when`
and `--weights`."""

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


def settings_page() -> str:
    """The page."""
    parts = [INTRODUCTION, "## A run", _settings(RunConfig)]
    for name, config in _stage_configs():
        parts += [f"## {name}", description(config), _settings(config, f"{name}.")]
    parts += ["## Retraining", RETRAINING, description(RetrainPolicy), _settings(RetrainPolicy)]
    parts += ["### good_time", description(GoodTime), _settings(GoodTime, "good_time.")]
    return page("Settings", *parts)


def _stage_configs() -> Iterator[tuple[str, type[StageConfig]]]:
    for name, field in RunConfig.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StageConfig):
            yield name, field.annotation


def _is_config(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, StageConfig)


def _settings(config: type[StageConfig], prefix: str = "") -> str:
    fields = {name: field for name, field in config.model_fields.items() if not _is_config(field)}
    rows = (_row(prefix + name, field) for name, field in fields.items())
    return table(("setting", "meaning", "value", "unit", "default"), rows)


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    if not field.description:
        raise SystemExit(f"setting {name} has no description: give it one")
    return code(name), field.description, _value(field), _unit(name, field), _default(field.default)


def _default(value: Any) -> str:
    if value is None or value == ():
        return "empty"
    if isinstance(value, tuple):
        return code(f"[{', '.join(map(str, value))}]")
    return code({True: "true", False: "false"}[value] if isinstance(value, bool) else _number(value))


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(field: FieldInfo) -> str:
    """What can be given, and its bounds."""
    kind, limits = _kind_and_limits(field)
    bounds = [
        f"{sign} {_number(getattr(limit, name))}" for limit in limits for name, sign in SIGNS if hasattr(limit, name)
    ]
    return ", ".join([_kind_in_words(kind, limits), *bounds])


def _kind_in_words(kind: Any, limits: list[Any]) -> str:
    if get_args(Size)[1] in limits:
        return "a size, such as `2GiB`"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(code, get_args(kind)))
    if get_origin(kind) in SEQUENCES:
        inner, _ = _without_limits(get_args(kind)[0])
        return f"list of {NUMBERS.get(inner, 'text')}s"
    return {**NUMBERS, bool: "`true` or `false`", str: "text"}[kind]


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
        raise SystemExit(f"setting {name} has no unit: end its name with one, or add the word to UNITS in {__name__}")
    return UNITS[word]
