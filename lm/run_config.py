"""Everything that can be asked of a run: flow parameter, command line, settings file, a deployment's YAML."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, PositiveInt, ValidationError
from pydantic.fields import FieldInfo

from lm.clean.config import CleanConfig
from lm.config import StageConfig
from lm.download.config import DownloadConfig
from lm.errors import BadInput
from lm.evaluate.config import EvaluateConfig
from lm.generate.config import GenerateConfig
from lm.memory.budget import Size
from lm.store.layout import MAX_SEEDS
from lm.tokenize.config import TokenizeConfig
from lm.train.config import TrainConfig

Tree = dict[str, Any]  # nested tables of settings
Config = TypeVar("Config", bound=StageConfig)


class RunConfig(StageConfig):
    """One run: the time and memory it may take, and each stage's own settings."""

    minutes: float = Field(
        default=3.0, gt=0, description="minutes of training; with --steps they only decide the size of the model"
    )
    deadline: bool = Field(default=False, description="changes nothing: the minutes are always kept")
    seeds: int = Field(
        default=1,
        ge=1,
        le=MAX_SEEDS,
        description="models that differ only in their seed, each trained for these minutes; the first one is used",
    )
    memory: Size | None = Field(
        default=None, description="memory that a stage may take, such as 2GiB; empty: decided from what is free"
    )
    init_from: str | None = Field(
        default=None, description="model to start from, with its tokenizer: a run, a key or a Hugging Face folder"
    )
    threads: PositiveInt | None = Field(
        default=None, description="threads that train; empty: as many as a trial finds fastest"
    )
    device: Literal["cpu", "cuda", "mps"] | None = Field(
        default=None, description="what training runs on; empty: what a small training finds fastest"
    )
    checkpoint_seconds: float = Field(
        default=15.0, gt=0, description="longest time between checkpoints: what a kill may cost"
    )
    download: DownloadConfig = DownloadConfig()
    clean: CleanConfig = CleanConfig()
    tokenize: TokenizeConfig = TokenizeConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    generate: GenerateConfig = GenerateConfig()


def build_config(values: Mapping[str, Any], settings: Iterable[str] = ()) -> RunConfig:
    """Make a config from top-level values and, over them, `stage.name=value` settings, values in YAML.

    Raises BadInput that names the offending key, and a near one that exists.
    """
    return checked(RunConfig, merged(given(values), setting_tree(settings)))


def setting_tree(settings: Iterable[str]) -> Tree:
    """What `name=value` settings say, as nested tables. Raises BadInput."""
    tree: Tree = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise BadInput(f"--set: got {setting!r}, expected name=value, such as train.steps=200")
        *parents, last = name.split(".")
        branch = tree
        for parent in parents:
            inner = branch.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise BadInput(f"--set: got both {parent} and {name}, expected one of them")
            branch = inner
        try:
            branch[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise BadInput(f"--set: {name}: got {text!r}, expected a value in YAML, such as 200 or [a, b]") from None
    return tree


def merged(*trees: Mapping[str, Any]) -> Tree:
    """All that nested tables say; a later one wins."""
    whole: Tree = {}
    for tree in trees:
        _lay_over(whole, tree)
    return whole


def given(values: Mapping[str, Any]) -> Tree:
    """The values that were given: None stands for an option that was not."""
    return {name: value for name, value in values.items() if value is not None}


def _lay_over(below: Tree, above: Mapping[str, Any]) -> None:
    for name, value in above.items():
        if isinstance(value, Mapping):
            inner = below.get(name)
            below[name] = dict(inner) if isinstance(inner, Mapping) else {}
            _lay_over(below[name], value)
        else:
            below[name] = value


def checked(model: type[Config], tree: Mapping[str, Any]) -> Config:
    """The config that nested tables make. Raises BadInput with the first thing wrong with them, in one line."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise BadInput(explain(error, model)) from None


def explain(error: ValidationError, model: type[StageConfig]) -> str:
    """The first thing wrong with a config, in one line."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        names = settings_of(model)
        tables = dict.fromkeys(known.rpartition(".")[0] for known in names)
        near = difflib.get_close_matches(name, [*names, *tables], n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else "`slowburn settings` lists those that there are"
        return f"unknown setting {name}: {hint}"
    return f"{name}: got {first['input']!r}: {first['msg'].removeprefix('Value error, ')}"


def settings_of(model: type[StageConfig], prefix: str = "") -> dict[str, FieldInfo]:
    """Every setting by its full name, such as `train.steps`."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StageConfig):
            found |= settings_of(field.annotation, f"{prefix}{name}.")
        else:
            found[prefix + name] = field
    return found
