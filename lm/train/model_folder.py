"""A model's folder as other programs read it: weights, shape and tokenizer."""

import shutil
from pathlib import Path

from torch import Tensor

from lm.model.config import TrainingConfig
from lm.model.decoder import save_model
from lm.tokenizer.hf_files import write_hugging_face_tokenizer

TOKENIZER_FILE = "tokenizer.model"


def write_model_folder(
    folder: Path, recipe: TrainingConfig, vocab_size: int, weights: dict[str, Tensor], tokens: Path
) -> str | None:
    """Write a model, with the tokenizer of the folder `tokens`.

    Returns None, or the limit to state where this kind of tokenizer cannot be written for other programs.
    """
    save_model(folder, recipe, vocab_size, weights)
    shutil.copyfile(tokens / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    return write_hugging_face_tokenizer(folder / TOKENIZER_FILE, folder)
