"""Bytes, tokens and nats of the held-out text, unit by unit, of a model and of the baselines that judge every byte."""

from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lm.documents import Document, read_documents
from lm.errors import SlowburnError
from lm.heldout import Extent, NotTheSameText, Tokens, units
from lm.model import Decoder
from lm.ngram import NGram
from lm.progress import Progress
from lm.scoring import token_nats
from lm.tokenizer import Tokenizer
from lm.tokens import documents as token_documents

LN2 = float(np.log(2))
MODEL, UNIGRAM = "model", "unigram"

Float64s = npt.NDArray[np.float64]


@dataclass
class Scores:
    """One row a unit, and what the units are of."""

    documents: list[Document] = field(default_factory=list)  # without their texts
    document_of: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    nats: dict[str, list[float]] = field(default_factory=dict)  # by name: of the model, the unigrams, the n-grams
    position_tokens: list[int] = field(default_factory=list)  # by place in the document: 0, 1, 2-3, 4-7, 8-15, …
    position_nats: list[float] = field(default_factory=list)

    def bits_per_byte(self, name: str = MODEL) -> float:
        """Of all units together."""
        return sum(self.nats[name]) / (LN2 * sum(self.bytes))


def score(
    model: Decoder,
    tokenizer: Tokenizer,
    ngram: NGram,
    heldout: Extent,
    tokens: Path,
    clean: Path,
    progress: Progress,
) -> Scores:
    """Score every held-out byte; in memory is a group of documents (see `lm.scoring`) at a time.

    Raises SlowburnError when tokens and text do not belong together.
    """
    scores = Scores(nats={name: [] for name in (MODEL, UNIGRAM, ngram_name(ngram))})
    ids, ids_again = tee(token_documents(tokens, "heldout"))
    rows = zip(read_documents(clean, "heldout"), ids, token_nats(model, ids_again), strict=False)
    done = 0
    try:
        for document, document_ids, nats in rows:
            _add(scores, document, document_ids, nats.astype(np.float64), ngram, tokenizer, heldout.block_bytes)
            done += len(document.text.encode())
            progress(done, heldout.bytes, "byte", f"document {len(scores.documents)} of {heldout.documents}")
        if len(scores.documents) != heldout.documents:
            raise NotTheSameText
    except NotTheSameText:
        raise SlowburnError(
            f"the tokens in {tokens} are not those of the held-out text in {clean}: delete {tokens} and run again"
        ) from None
    return scores


def ngram_name(ngram: NGram) -> str:
    """What the n-gram baseline is called."""
    return f"{ngram.order}-gram"


def _add(
    scores: Scores,
    document: Document,
    ids: Tokens,
    nats: Float64s,
    ngram: NGram,
    tokenizer: Tokenizer,
    block_bytes: int | None,
) -> None:
    text = document.text.encode()
    probabilities = ngram.probabilities(text)
    of_bytes = {UNIGRAM: -np.log(probabilities[0]), ngram_name(ngram): -np.log(probabilities[-1])}
    for unit in units(text, ids, tokenizer.decode, block_bytes):
        scores.document_of.append(len(scores.documents))
        scores.bytes.append(unit.end_byte - unit.first_byte)
        scores.tokens.append(unit.end_token - unit.first_token)
        scores.nats[MODEL].append(float(nats[unit.first_token : unit.end_token].sum()))
        for name, values in of_bytes.items():
            scores.nats[name].append(float(values[unit.first_byte : unit.end_byte].sum()))
    _add_positions(scores, nats)
    scores.documents.append(replace(document, text=""))


def _add_positions(scores: Scores, nats: Float64s) -> None:
    first, end, place = 0, 1, 0
    while first < len(nats):
        if place == len(scores.position_nats):
            scores.position_nats.append(0.0)
            scores.position_tokens.append(0)
        scores.position_nats[place] += float(nats[first:end].sum())
        scores.position_tokens[place] += len(nats[first:end])
        first, end, place = end, 2 * end, place + 1
