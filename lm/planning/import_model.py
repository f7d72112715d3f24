"""Take a model folder from elsewhere into the store, so that a run that starts from it can be traced and repeated."""

import shutil
from pathlib import Path

from lm.errors import BadInput, SlowburnError
from lm.model.decoder import load_model
from lm.model.hf_config import WEIGHTS_FILE
from lm.planning.starting_model import contents_of, key_of_contents
from lm.store.artifacts import Store
from lm.store.versions import versions
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.tokenizer import Tokenizer
from lm.train.metrics import TrainMetrics


def import_model(store: Store, folder: Path) -> str:
    """Copy a model that others trained, or that left another store, and return its key.

    Raises BadInput when it is not of our layout, or does not bring the tokenizer that it was trained with.
    """
    try:
        tokenizer = Tokenizer(folder / TOKENIZER_FILE)
    except SlowburnError:
        raise BadInput(
            f"init_from: {folder} has no {TOKENIZER_FILE} made by Slowburn: expected the one it was trained with"
        ) from None
    model = load_model(folder)
    if model.vocab_size != tokenizer.vocab_size:
        raise BadInput(
            f"init_from: {folder} knows {model.vocab_size} tokens and its tokenizer {tokenizer.vocab_size}: "
            "expected equal numbers"
        )
    contents = contents_of(folder)
    key = key_of_contents(model.shape, contents)
    if store.find("train", key):
        return key
    with store.writing("train", key) as out:
        for name in contents:
            shutil.copyfile(folder / name, out / name)
        store.commit(
            "train",
            key,
            config=model.shape.model_dump(mode="json"),
            inputs=contents,
            metrics=TrainMetrics(
                imported_from=str(folder),
                parameters=sum(parameter.numel() for parameter in model.parameters()),
                vocab_size=model.vocab_size,
                steps=0,
                resumed_from_step=None,
                weights_sha256=contents[WEIGHTS_FILE],
            ),
            seconds=0.0,
            peak_memory_bytes=None,
            versions=versions(),
        )
    return key
