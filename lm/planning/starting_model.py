"""The model that a training starts from instead of random weights: found in the store, or taken into it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lm.errors import BadInput
from lm.model.config import ModelConfig
from lm.model.hf_config import CONFIG_FILE, WEIGHTS_FILE, read_model_config
from lm.run_config import RunConfig
from lm.runs.find import find
from lm.runs.run_record import RunRecord
from lm.stages import TRAIN
from lm.store.artifacts import Artifact, Store
from lm.store.files import sha256_of
from lm.store.keys import artifact_key
from lm.tokenize.config import TOKENIZER_FILE

ImportModel = Callable[[Path], str]  # takes a folder from elsewhere into the store, and returns its key


class StartingModel(NamedTuple):
    """A model to start from: the key that it has in the store, or would have there, and where it lies now."""

    key: str
    path: Path


def is_from_elsewhere(name: str) -> bool:
    """Whether a model of this name may lie in a folder outside the store."""
    return (Path(name).expanduser() / CONFIG_FILE).is_file()


def find_starting_model(store: Store, name: str, import_model: ImportModel) -> Artifact:
    """The model called `name`: a folder in Hugging Face's format, a run, or a key; a folder wins.

    Raises BadInput when there is none.
    """
    folder = _folder_from_elsewhere(store, name)
    return store.open(store.path("train", import_model(folder))) if folder else _kept_model(store, name)


def look_up_starting_model(store: Store, name: str) -> StartingModel:
    """The same model, with nothing taken into the store for it."""
    folder = _folder_from_elsewhere(store, name)
    if folder is None:
        model = _kept_model(store, name)
        return StartingModel(model.key, model.path)
    return StartingModel(key_of_contents(read_model_config(folder)[0], contents_of(folder)), folder)


def contents_of(folder: Path) -> dict[str, str]:
    """The files that make a model folder what it is, with their hashes. Raises BadInput where one is missing."""
    files = [folder / name for name in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE)]
    for file in files:
        if not file.is_file():
            raise BadInput(f"init_from: {folder} has no {file.name}: expected a model folder that Slowburn has made")
    return {file.name: sha256_of(file) for file in files}


def key_of_contents(shape: ModelConfig, contents: dict[str, str]) -> str:
    """The key of a model from elsewhere."""
    return artifact_key(TRAIN.name, TRAIN.version, shape.model_dump(mode="json"), contents)


def _folder_from_elsewhere(store: Store, name: str) -> Path | None:
    folder = Path(name).expanduser()
    if (folder / CONFIG_FILE).is_file() and folder.resolve().parent != store.folder("train"):
        return folder.resolve()
    return None


def _kept_model(store: Store, name: str) -> Artifact:
    if os.sep in name and not Path(name).expanduser().exists():
        raise BadInput(f"init_from: there is no folder {name}: expected one in Hugging Face's format, a run or a key")
    found = find(store, name)
    if isinstance(found, RunRecord):
        if "train" not in found.stages:
            raise BadInput(f"init_from: run {name} has no model: it ended before its training was complete")
        return store.open(store.path("train", found.stages["train"].key))
    if found.manifest.stage != "train":
        raise BadInput(f"init_from: {name} is an artifact of the {found.manifest.stage} stage, expected a model")
    return found


def with_starting_model(config: RunConfig, model: Artifact | StartingModel) -> RunConfig:
    """The config with everything in it that the model decides: shape and vocabulary.

    Raises BadInput where the config asks for another shape.
    """
    shape, vocab_size = read_model_config(model.path)
    decided = shape.model_dump()
    for name in decided:
        asked = getattr(config.train, name)
        if name != "context" and asked not in (None, decided[name]):
            raise BadInput(f"train.{name}: got {asked}, but the model to start from has {decided[name]}: leave it out")
    if config.tokenize.vocab_size not in (None, vocab_size):
        raise BadInput(f"tokenize.vocab_size: the model to start from brings its own {vocab_size} tokens: leave it out")
    train = config.train.model_copy(update=decided | config.train.model_dump(exclude_none=True))
    tokenize = config.tokenize.model_copy(update={"vocab_size": vocab_size})
    return config.model_copy(update={"init_from": model.key, "train": train, "tokenize": tokenize})
