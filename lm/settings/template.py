"""The file that `slowburn init` writes."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from lm.config import StageConfig
from lm.settings.catalogue import Setting, every_setting, in_words
from lm.settings.file import CORPUS
from lm.settings.model import Settings

HEADER = """# Settings of Slowburn. `slowburn run` reads this file where --config names it, or where it is called
# slowburn.toml and lies in the folder in which the command is started. Relative paths begin at that folder too.
#
# A line that begins with # says nothing: take the # away and give a value. What stays away has its default.
# An option of a command wins over --set, that over this file. `slowburn settings` shows what holds, and why.
"""
MATTER = ("download.corpus", "minutes")  # is written in any case
COLUMNS = 118


def settings_template(settings: Settings) -> str:
    """A file in TOML that says the same as `settings`, with every other setting in a comment."""
    values, known = (
        settings.model_dump(context={"secrets": True}),
        {each.name: each for each in every_setting(Settings)},
    )
    parts = [HEADER, *_setting(known["download.corpus"], CORPUS, values["download"][CORPUS])]
    parts += _table(settings, known, values, "")
    return "\n".join(parts).rstrip() + "\n"


def _table(config: StageConfig, known: dict[str, Setting], values: dict[str, Any], prefix: str) -> Iterator[str]:
    """A table's own settings, then the tables in it."""
    inner = {name: found for name in values if isinstance(found := getattr(config, name), StageConfig)}
    for name, value in values.items():
        if name not in inner and f"{prefix}{name}" != "download.corpus":
            yield from _setting(known[f"{prefix}{name}"], name, value)
    for name, found in inner.items():
        yield f"[{prefix}{name}]\n"
        yield from _table(found, known, values[name], f"{prefix}{name}.")


def _setting(setting: Setting, name: str, value: Any) -> Iterator[str]:
    meaning = f"{setting.meaning} ({setting.value})"
    yield from (f"# {line}" for line in textwrap.wrap(meaning, COLUMNS))
    says = setting.name in MATTER or in_words(value) != setting.default
    yield f"{'' if says else '# '}{name} = {_in_toml(value)}".rstrip() + "\n"


def _in_toml(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_in_toml, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)  # a string, a number or a truth is written alike
