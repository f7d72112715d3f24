"""`python -m lm export`: take a model elsewhere."""

import argparse
from pathlib import Path

from lm.cli.command import Command, add_model_name, named_model
from lm.export.export import FORMATS, export
from lm.store.artifacts import Store


def _declare(parser: argparse.ArgumentParser) -> None:
    add_model_name(parser)
    parser.add_argument(
        "--format", choices=FORMATS, required=True, help="hf: a folder for transformers; gguf: for llama.cpp, ollama"
    )
    parser.add_argument("--to", type=Path, help="the folder to make; one named after the model where none is given")


def _export(options: argparse.Namespace) -> int:
    store = Store.default()
    folder = export(store, named_model(store, options.name), options.format, options.to)
    print(f"{folder}: README.md says how to use it")
    return 0


EXPORT = Command("write a model for transformers, or for llama.cpp and ollama", _declare, _export)
