"""What a run is asked for on the command line, by `run` and `retrain`, and by `plan`, which only says what comes."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from lm.cli.command import field_option, option
from lm.errors import BadInput
from lm.run_config import RunConfig, Tree, checked, given, merged, setting_tree
from lm.runs.rerun_config import earlier_config
from lm.settings.file import SettingsFile, find_settings_file
from lm.settings.model import POLICY, Settings
from lm.store.artifacts import Store
from lm.text.tool_files import SETTINGS_FILE
from lm.train.config import TrainConfig

WHAT, HOW_LONG, SETTINGS = "What to train on", "Time and memory", "Settings"
DEFAULT = "default"


@dataclass(frozen=True)
class Request:
    """What was asked for: by options of their own, by `--set`, and below both by a settings file or an earlier run."""

    values: Tree
    settings: tuple[str, ...]
    named_file: Path | None = None
    like: str | None = None
    retrains: bool = False  # or what a retraining is told has no meaning here

    def config(self) -> RunConfig:
        """The config of this request. Raises BadInput."""
        return self.resolved.run

    @cached_property
    def resolved(self) -> Settings:
        """Everything that holds for this request. Raises BadInput."""
        if POLICY in self._set and not self.retrains:
            raise BadInput(f"--set: {POLICY} says how `slowburn retrain` decides: no other command takes it")
        return checked(Settings, merged(self._base, self._set, self.values))

    def origin(self, name: str) -> str:
        """Where the value of a setting comes from."""
        if _has(self.values, name):
            return f"--{name.rpartition('.')[2].replace('_', '-')}"
        if _has(self._set, name):
            return "--set"
        if self.like is not None:
            return f"run {self.like}" if _has(self._base, name) else DEFAULT
        return self.file.place(name) or DEFAULT if self.file else DEFAULT

    @cached_property
    def file(self) -> SettingsFile | None:
        """The settings file, if one is read. Says which, or why one is not. Raises BadInput."""
        corpus = merged(self._set, self.values).get("download", {}).get("corpus", ())
        found, note = find_settings_file(self.named_file, [corpus] if isinstance(corpus, str) else corpus or ())
        if note:
            print(note, file=sys.stderr)
        return found

    @cached_property
    def _set(self) -> Tree:
        return setting_tree(self.settings)

    @cached_property
    def _base(self) -> Tree:
        """What an earlier run was asked for, or what the settings file says."""
        if self.like is None:
            return self.file.tree if self.file else {}
        if self.named_file:
            raise BadInput("got both --config and --like, expected one of them: either says what to begin with")
        return earlier_config(Store.default(), self.like)


def request_options(function: Any) -> Any:
    """Declare the options that every request has."""
    options = [
        option(
            "--corpus",
            several=True,
            section=WHAT,
            metavar="NAME|PATH|URL",
            help="texts to train on; several make one corpus",
        ),
        field_option(RunConfig, "init_from", section=WHAT, metavar="RUN|FOLDER"),
        field_option(RunConfig, "minutes", section=HOW_LONG, metavar="MINUTES"),
        field_option(TrainConfig, "steps", section=HOW_LONG, metavar="STEPS", type=int),
        field_option(RunConfig, "seeds", section=HOW_LONG, metavar="MODELS"),
        field_option(RunConfig, "memory", section=HOW_LONG, metavar="SIZE"),
        option(
            "--set",
            "settings",
            several=True,
            section=SETTINGS,
            metavar="NAME=VALUE",
            help="any setting, such as train.steps=200; `slowburn settings` lists them",
        ),
        option(
            "--config",
            "named_file",
            type=click.Path(path_type=Path),
            section=SETTINGS,
            metavar="FILE",
            help=f"a file of settings; else {SETTINGS_FILE} in this folder, if there is one",
        ),
    ]
    for decorate in reversed(options):
        function = decorate(function)
    return function


def read_request(
    corpus: tuple[str, ...],
    settings: tuple[str, ...],
    steps: int | None,
    named_file: Path | None = None,
    like: str | None = None,
    *,
    retrains: bool = False,
    **values: Any,
) -> Request:
    """The request that these options make; `values` are the other ones."""
    words: Tree = {"download": {"corpus": list(corpus)}} if corpus else {}
    asked = merged(given(values), words, {"train": {"steps": steps}} if steps is not None else {})
    return Request(asked, settings, named_file, like, retrains)


def _has(tree: Tree, name: str) -> bool:
    """Whether nested tables have a setting."""
    *tables, last = name.split(".")
    for table in tables:
        tree = tree.get(table, {})
    return last in tree
