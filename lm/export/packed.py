"""The models of a run's seeds as one model that can leave home, and what it is worth. Light until it packs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from lm.clean.metrics import CleanMetrics
from lm.errors import SlowburnError
from lm.runs.lineage import origins
from lm.store.artifacts import Artifact, Store
from lm.tokenizer.special_tokens import BOUNDARY_ID

if TYPE_CHECKING:
    from torch import Tensor

STREAM_WINDOWS = 32  # of training text, at most, that tell how large the members' streams are


@dataclass(frozen=True)
class Packed:
    """What a card says of members packed into one."""

    members: int
    parameters: int
    bits_per_byte: float  # of the held-out text


def write_packed(store: Store, members: Sequence[Artifact], folder: Path) -> Packed:
    """Write `config.json` and `model.safetensors` of one model that holds them all, and measure it on held-out text.

    Raises SlowburnError where the text that they were trained on is not here any more.
    """
    from lm.model.decoder import load_model, save_model
    from lm.model.packing import pack
    from lm.model.scoring import token_nats
    from lm.tokenizer.tokens import documents

    made_from = origins(store, members[0])
    if not {"clean", "tokenize"} <= made_from.keys():
        raise SlowburnError(f"the text of {members[0].key} was pruned: packing needs it; run its pipeline again")
    tokens, text = made_from["tokenize"].path, made_from["clean"].read_metrics(CleanMetrics)
    decoders = [load_model(member.path) for member in members]
    packed = pack(decoders, _beginning(tokens, decoders[0].shape.context))
    save_model(folder, packed.shape, packed.vocab_size, dict(packed.named_parameters()))
    nats = sum(float(row.sum()) for row in token_nats(packed, documents(tokens, "heldout")))
    return Packed(len(members), packed.shape.parameters(packed.vocab_size), nats / (log(2) * text.heldout_bytes))


def _beginning(tokens: Path, context: int) -> "Tensor":
    """The first training tokens, in windows: (B, T)."""
    import numpy as np
    import torch

    from lm.tokenizer.tokens import documents

    parts, size = [], 0
    for document in documents(tokens, "train"):
        parts.append(np.concatenate(([BOUNDARY_ID], document[: STREAM_WINDOWS * context])).astype(np.int64))
        size += len(parts[-1])
        if size >= STREAM_WINDOWS * context:
            break
    rows = min(size // context, STREAM_WINDOWS) or 1
    return torch.from_numpy(np.concatenate(parts)[: rows * context].reshape(rows, -1))
