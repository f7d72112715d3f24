"""settings.md: every setting of a run and of a retraining."""

from docs.reference_builder.markdown import code, description, page, table
from lm.champions.good_time import GoodTime
from lm.champions.retraining import RetrainPolicy
from lm.config import StageConfig
from lm.run_config import RunConfig
from lm.settings.catalogue import EMPTY, Setting, every_setting

INTRODUCTION = """Each setting has one name everywhere. `slowburn run --set NAME=VALUE …` takes it, the value in YAML:
`--set train.layers=4 download.corpus=[a.txt,b.txt]`. A [settings file](../how-to/settings-file.md) has it in a table of
its stage. The form of a Prefect deployment and `prefect.yaml` take it below `config`. From Python it is a field of
`RunConfig`. Some settings of a run have an option of their own too: see [commands.md](commands.md). A name that does
not exist, or a value out of bounds, is refused before anything starts.

An option wins over `--set`, that over the settings file, that over the default. `slowburn settings` shows all of them,
and where each value comes from.

Empty: the plan or the stage decides, or there is no limit, as the meaning says."""
RETRAINING = """What a retraining is told besides. `slowburn retrain` has an option for each. `--set` and the settings
file take it too, and a deployment below `policy`."""


def settings_page() -> str:
    """The page."""
    parts = [INTRODUCTION, "## A run", _settings(RunConfig)]
    for name, config in _stage_configs():
        parts += [f"## {name}", description(config), _settings(config, f"{name}.")]
    parts += ["## Retraining", RETRAINING, description(RetrainPolicy), _settings(RetrainPolicy, "policy.")]
    parts += ["### good_time", description(GoodTime), _settings(GoodTime, "policy.good_time.")]
    return page("Settings", *parts)


def _stage_configs() -> list[tuple[str, type[StageConfig]]]:
    fields = RunConfig.model_fields.items()
    return [(name, found) for name, field in fields if (found := _config(field.annotation))]


def _config(annotation: object) -> type[StageConfig] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, StageConfig) else None


def _settings(config: type[StageConfig], prefix: str = "") -> str:
    """The table of a config's own settings, not of those that it holds."""
    own = {prefix + name for name, field in config.model_fields.items() if not _config(field.annotation)}
    rows = (_row(setting) for setting in every_setting(config, prefix) if setting.name in own)
    return table(("setting", "meaning", "value", "unit", "default"), rows)


def _row(setting: Setting) -> tuple[str, ...]:
    default = setting.default if setting.default == EMPTY else code(setting.default)
    return code(setting.name), setting.meaning, setting.value, setting.unit, default
