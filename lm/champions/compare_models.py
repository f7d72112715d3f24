"""The scoring of a contest: every model's nats over the very same stretches of held-out text.

Models with different tokenizers do not end their tokens at the same bytes. Where the units are whole documents that
does not matter; where they are blocks, a token's nats count evenly over its bytes, so that every block has its exact
share whatever the tokenizer, and all blocks together the exact sum.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lm.champions.contest import MIN_UNITS, Contest, Standing
from lm.evaluate.bootstrap import Float64s, interval, resampled_rates
from lm.evaluate.evaluation import training_precision
from lm.evaluate.metrics import EvaluateMetrics
from lm.evaluate.scores import LN2
from lm.model.decoder import load_model
from lm.model.scoring import token_nats
from lm.progress import Progress
from lm.runs.lineage import texts_behind
from lm.store.artifacts import Artifact, Store
from lm.store.integrity import check
from lm.text.documents import Document, read_documents
from lm.text.heldout import extent
from lm.text.overlap import seen_shares
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.tokenizer import Tokenizer

MAX_BYTES = 2 << 20  # of held-out text, spread over its documents
SEEN_SHARE = 0.5  # of a unit's probes in a training text: then the unit does not count
RESAMPLES = 4000


class HeldoutText(NamedTuple):
    """Held-out documents, and where the units in each end, in bytes."""

    texts: list[str]
    ends: list[npt.NDArray[np.int64]]
    unit: str

    @property
    def stretches(self) -> list[bytes]:
        """The bytes of every unit."""
        return [
            text.encode()[start:end]
            for text, ends in zip(self.texts, self.ends, strict=True)
            for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        ]


def compare_models(
    store: Store, clean: Artifact, challenger: str | None, champion: str | None, elders: list[str], progress: Progress
) -> Contest:
    """Score the models of these keys on the held-out text of `clean`, in units that none but the challenger may know.

    A model is there to be judged by what it has not seen: units found in the training text of the champion, of an
    elder, or of a model that one of them was begun from, are left out for all.
    """
    check(clean)
    judged = [key for key in (champion, *elders) if key]
    for key in {*judged, challenger} - {None}:
        check(store.open(store.path("train", str(key))))
    text = heldout_text(clean.path)
    stretches = text.stretches
    seen = np.zeros(len(stretches), np.bool_)
    for source in {text.key for text in texts_behind(store, judged)} - {clean.key}:
        seen |= seen_shares(stretches, read_documents(store.path("clean", source), "train")) >= SEEN_SHARE
    sizes = np.array([len(stretch) for stretch in stretches])[~seen]
    nats: dict[str, Float64s] = {}
    for number, key in enumerate(dict.fromkeys([*judged, *([challenger] if challenger else [])])):
        progress(number, len(judged) + 1, "model", key)
        nats[key] = unit_nats(store.path("train", key), text)[~seen]
    return Contest(
        text=clean.key,
        unit=text.unit,
        units=len(sizes),
        seen_units=int(seen.sum()),
        bytes=int(sizes.sum()),
        champion=_standing(store, champion, nats, sizes),
        challenger=_standing(store, challenger, nats, sizes),
        elders=tuple(filter(None, (_standing(store, key, nats, sizes) for key in elders))),
        **_difference(nats, champion, challenger, sizes),
        **_drift(store, nats, champion, sizes),
    )


def heldout_text(clean: Path) -> HeldoutText:
    """The held-out text, thinned evenly to MAX_BYTES, and its cutting into units."""
    whole = extent(clean, "heldout")
    every = ceil(whole.bytes / MAX_BYTES)
    if whole.block_bytes is None:
        texts = [document.text for document in _thinned(read_documents(clean, "heldout"), every)]
        return HeldoutText(texts, [np.array([len(text.encode())]) for text in texts], "document")
    texts = [document.text[: ceil(len(document.text) / every)] for document in read_documents(clean, "heldout")]
    block = ceil(whole.block_bytes / every)
    return HeldoutText(texts, [_block_ends(len(text.encode()), block) for text in texts], "block")


def _thinned(documents: Iterable[Document], every: int) -> Iterator[Document]:
    for number, document in enumerate(documents):
        if number % every == 0 and document.text:
            yield document


def _block_ends(size: int, block_bytes: int) -> npt.NDArray[np.int64]:
    """Where blocks of equal size, about `block_bytes`, end in a text."""
    blocks = max(round(size / block_bytes), 1)
    return np.linspace(0, size, blocks + 1).round().astype(np.int64)[1:]


@torch.inference_mode()
def unit_nats(model: Path, text: HeldoutText) -> Float64s:
    """-ln p that the model in folder `model` gives every unit: (units,)."""
    decoder, tokenizer = load_model(model), Tokenizer(model / TOKENIZER_FILE)
    decoder.compute_dtype = torch.bfloat16 if training_precision(model) == "bf16" else torch.float32
    token_bytes = _token_bytes(tokenizer)
    encoded = [tokenizer.encode(document) for document in text.texts]
    parts = []
    for tokens, nats, ends in zip(encoded, token_nats(decoder, encoded), text.ends, strict=True):
        reached = np.concatenate([[0.0], np.cumsum(token_bytes[tokens])])
        reached *= ends[-1] / reached[-1]  # an escaped character's pieces count a byte more or less alone than together
        spent = np.concatenate([[0.0], np.cumsum(nats, dtype=np.float64)])
        parts.append(np.diff(np.interp(ends, reached, spent), prepend=0.0))
    return np.concatenate(parts)


def _token_bytes(tokenizer: Tokenizer) -> Float64s:
    """Bytes that each token stands for: (vocab_size,)."""
    sizes = np.ones(tokenizer.vocab_size)
    for token in range(tokenizer.vocab_size):
        if tokenizer.byte(token) is None:
            sizes[token] = max(len(tokenizer.decode([token]).encode()), 1)
    return sizes


def _standing(store: Store, key: str | None, nats: Mapping[str, Float64s], sizes: Float64s) -> Standing | None:
    if key is None or not sizes.sum():
        return None
    created = datetime.fromisoformat(store.open(store.path("train", key)).manifest.created)
    age = datetime.now(UTC) - created
    return Standing(
        model=key,
        bits_per_byte=float(nats[key].sum() / LN2 / sizes.sum()),
        age_days=round(max(age.total_seconds(), 0.0) / 86400, 5),
    )


def _difference(
    nats: Mapping[str, Float64s], champion: str | None, challenger: str | None, sizes: Float64s
) -> dict[str, object]:
    """Challenger minus champion in bits per byte, paired unit by unit."""
    if champion is None or challenger is None or len(sizes) < MIN_UNITS:
        return {}
    differences = (nats[challenger] - nats[champion]) / LN2
    return {
        "difference": float(differences.sum() / sizes.sum()),
        "ci95": interval(resampled_rates(differences, sizes, resamples=RESAMPLES)),
    }


def _drift(store: Store, nats: Mapping[str, Float64s], champion: str | None, sizes: Float64s) -> dict[str, object]:
    """What the champion makes of this text, minus what it made of that of its own evaluation, in bits per byte."""
    evaluations = [found for found in store.list("evaluate") if champion == found.manifest.inputs.get("train")]
    if champion is None or not evaluations or len(sizes) < MIN_UNITS:
        return {}
    then = evaluations[-1].read_metrics(EvaluateMetrics).bits_per_byte
    bits = nats[champion] / LN2
    ends = interval(resampled_rates(bits, sizes, resamples=RESAMPLES))
    return {
        "drift": float(bits.sum() / sizes.sum()) - then,
        "drift_ci95": (ends[0] - then, ends[1] - then) if ends else None,
    }
