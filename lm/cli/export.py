"""`export`: take a model elsewhere."""

from pathlib import Path
from typing import Literal

import click

from lm.cli.command import command, option
from lm.cli.names import model_argument, named_model
from lm.export.export import FORMATS, export
from lm.runs.seeds import ensemble_of
from lm.store.artifacts import Store


@command()
@model_argument
@option(
    "--format",
    "to_format",
    type=click.Choice(FORMATS),
    required=True,
    help="hf: a folder for transformers; gguf: for llama.cpp and ollama",
)
@option("--ensemble", is_flag=True, help="all seeds of the run, packed into one model")
@option("--to", type=click.Path(path_type=Path), help="the folder to make; else one named after the model")
def export_command(name: str | None, to_format: Literal["hf", "gguf"], ensemble: bool, to: Path | None) -> int:
    """Write a model for transformers, or for llama.cpp and ollama.

    MODEL is a run id, a key or a path; without it the champion is exported, else the newest model.
    """
    store = Store.default()
    models = ensemble_of(store, name) if ensemble else [named_model(store, name)]
    folder = export(store, models, to_format, to)
    print(f"{folder}: README.md says how to use it")
    return 0
