"""What a run is asked for on the command line, by `run` and `retrain`, and by `plan`, which only says what comes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lm.cli.command import field_option, option
from lm.run_config import RunConfig, build_config
from lm.train.config import TrainConfig

WHAT, HOW_LONG, SETTINGS = "What to train on", "Time and memory", "Settings"


class Request(NamedTuple):
    """What was asked for: what has an option of its own, and every `--set`."""

    values: Mapping[str, object]
    settings: tuple[str, ...]

    def config(self) -> RunConfig:
        """The config of this request. Raises BadInput."""
        return build_config(self.values, self.settings)


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
            help="any setting, such as train.steps=200; the message about an unknown one suggests similar names",
        ),
    ]
    for decorate in reversed(options):
        function = decorate(function)
    return function


def read_request(corpus: tuple[str, ...], settings: tuple[str, ...], steps: int | None, **values: Any) -> Request:
    """The request that these options make."""
    words = {"download": {"corpus": list(corpus)}} if corpus else {}
    return Request(values | words, settings if steps is None else (*settings, f"train.steps={steps}"))
