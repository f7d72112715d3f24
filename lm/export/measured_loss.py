"""What smaller weights cost: the loss of a model with the weights as a file stores them, beside its own."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lm.formatting import format_text_size
from lm.model.decoder import load_model
from lm.model.scoring import token_nats
from lm.text.documents import read_documents
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.tokenizer import Tokenizer

MAX_BYTES = 64 * 1024  # of held-out text: to be told a few thousandths apart on the same tokens, more is not needed
LN2 = float(np.log(2))

Stored = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]  # a matrix -> as it is read back from a file


class MeasuredLoss(NamedTuple):
    """Bits per byte of a model as it was trained, and with its weights stored in each of some ways, by their name."""

    size: str  # of the text, in words
    own: float
    stored: dict[str, float]


@torch.inference_mode()
def measure_loss(model: Path, clean: Path, ways: Mapping[str, Stored]) -> MeasuredLoss | None:
    """Score the first of the held-out text; None where there is none."""
    tokenizer, texts = Tokenizer(model / TOKENIZER_FILE), list(_sample(clean))
    if not texts:
        return None
    tokens = [tokenizer.encode(text) for text in texts]
    count = sum(len(text.encode()) for text in texts)

    def bits(way: Stored | None) -> float:
        decoder = load_model(model)
        for weight in decoder.parameters() if way else ():
            if weight.ndim > 1 and way:
                weight.copy_(torch.from_numpy(way(weight.numpy())))
        return sum(float(nats.sum()) for nats in token_nats(decoder, tokens)) / LN2 / count

    return MeasuredLoss(format_text_size(count), bits(None), {name: bits(way) for name, way in ways.items()})


def _sample(clean: Path) -> Iterable[str]:
    """Held-out texts up to MAX_BYTES, the last one cut."""
    left = MAX_BYTES
    for document in read_documents(clean, "heldout"):
        text = document.text.encode()[:left].decode(errors="ignore")
        left -= len(text.encode())
        if text:
            yield text
        if left <= 0:
            return
