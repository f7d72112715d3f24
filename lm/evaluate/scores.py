"""Bytes, tokens and nats of the held-out text, unit by unit, of a model and of the baselines that judge every byte."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lm.errors import SlowburnError
from lm.evaluate.ngram import NGram
from lm.model.scoring import Predictor, Watch, token_nats
from lm.progress import Progress
from lm.text.documents import Document, read_documents
from lm.text.heldout import Extent, NotTheSameText, Unit, units
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.tokens import documents as token_documents

LN2 = float(np.log(2))
MODEL, UNIGRAM = "model", "unigram"

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Scorers:
    """Those who give each held-out token or byte a probability."""

    model: Predictor
    tokenizer: Tokenizer
    ngram: NGram

    @property
    def ngram_name(self) -> str:
        """What the n-gram baseline is called."""
        return f"{self.ngram.order}-gram"


@dataclass
class Scores:
    """One row a unit of the held-out text, and what the units are of."""

    documents: list[Document] = field(default_factory=list)  # without their texts
    document_of: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    nats: dict[str, list[float]] = field(default_factory=dict)  # by judge: MODEL, UNIGRAM, the n-gram's name

    def bits_per_byte(self, judge: str = MODEL) -> float:
        """Of all units together."""
        return sum(self.nats[judge]) / (LN2 * sum(self.bytes))

    def add(self, document: Document, cut: Iterable[Unit], token_nats: Floats, byte_nats: Mapping[str, Floats]) -> None:
        """Add a document cut into units, with the model's nats of its tokens and the other judges' of its bytes."""
        for unit in cut:
            self.document_of.append(len(self.documents))
            self.bytes.append(unit.end_byte - unit.first_byte)
            self.tokens.append(unit.end_token - unit.first_token)
            self.nats.setdefault(MODEL, []).append(_total(token_nats[unit.first_token : unit.end_token]))
            for judge, nats in byte_nats.items():
                self.nats.setdefault(judge, []).append(_total(nats[unit.first_byte : unit.end_byte]))
        self.documents.append(replace(document, text=""))


def score(
    judges: Scorers, heldout: Extent, tokens: Path, clean: Path, progress: Progress, watch: Watch | None = None
) -> Scores:
    """Score every held-out byte; in memory is a group of documents (see `scoring.py`) at a time, `watch` as there.

    Raises SlowburnError when tokens and text do not belong together.
    """
    scores = Scores()
    ids, ids_again = tee(token_documents(tokens, "heldout"))
    rows = zip(read_documents(clean, "heldout"), ids, token_nats(judges.model, ids_again, watch=watch), strict=False)
    done = 0
    try:
        for document, document_ids, nats in rows:
            text = document.text.encode()
            cut = units(text, document_ids, judges.tokenizer.decode, heldout.block_bytes)
            byte_nats = judges.ngram.nats(text)  # (order, bytes)
            scores.add(document, cut, nats, {UNIGRAM: byte_nats[0], judges.ngram_name: byte_nats[-1]})
            done += len(text)
            progress(done, heldout.bytes, "byte", f"document {len(scores.documents)} of {heldout.documents}")
        if len(scores.documents) != heldout.documents or next(ids, None) is not None:
            raise NotTheSameText
    except NotTheSameText:
        raise SlowburnError(
            f"the tokens in {tokens} are not those of the held-out text in {clean}: delete {tokens} and run again"
        ) from None
    return scores


def _total(nats: Floats) -> float:
    return float(nats.sum(dtype=np.float64))
