"""Everything that can be asked of a run: the flow's parameter, the command line's options, a deployment's YAML."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveInt, ValidationError

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
    """Make a config from top-level values and `stage.name=value` settings, values in YAML.

    Raises BadInput that names the offending key, and a near one that exists.
    """
    tree: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise BadInput(f"--set: got {setting!r}, expected name=value, such as train.steps=200")
        *parents, last = name.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = yaml.safe_load(text)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        raise BadInput(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    """The first thing wrong with a config, in one line."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, setting_names(), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(setting_names())}"
        return f"unknown setting {name}: {hint}"
    return f"{name}: got {first['input']!r}: {first['msg'].removeprefix('Value error, ')}"


def setting_names() -> list[str]:
    """Every setting's full name, such as `train.steps`."""
    names = []
    for name, field in RunConfig.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StageConfig):
            names += [f"{name}.{inner}" for inner in field.annotation.model_fields]
        else:
            names.append(name)
    return names
