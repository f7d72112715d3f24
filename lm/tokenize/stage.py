"""The tokenize stage: clean documents in; a tokenizer trained on the training split, and the tokens of both, out."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lm.errors import BadInput
from lm.hardware.cores import chosen_cores
from lm.progress import Progress
from lm.text.splits import SPLITS
from lm.tokenize.config import TOKENIZER_FILE, TokenizeConfig
from lm.tokenize.metrics import TokenizeMetrics

if TYPE_CHECKING:
    from lm.text.splits import Split
    from lm.tokenizer.tokenizer import Tokenizer


class _Reader:
    """Reads the clean documents, twice, and says how far it is."""

    def __init__(self, clean: Path, progress: Progress) -> None:
        self.clean, self.progress = clean, progress
        self.documents: dict[str, int] = {"train": 0, "heldout": 0}
        self.bytes: dict[str, int] = {"train": 0, "heldout": 0}

    def count_and_sample(self) -> Iterator[str]:
        """Yield the training texts, and count both splits on the way."""
        from lm.text.documents import read_documents

        for document in read_documents(self.clean):
            self.documents[document.split] += 1
            self.bytes[document.split] += len(document.text.encode())
            self.progress(sum(self.bytes.values()), None, "bytes", "choosing what the tokenizer is trained on")
            if document.split == "train":
                yield document.text
        self.progress(0, None, "bytes", "training the tokenizer")

    def texts(self, split: "Split") -> Iterator[str]:
        """Yield the texts of one split, once they were counted."""
        from lm.text.documents import read_documents

        done, total = 0 if split == "train" else self.bytes["train"], sum(self.bytes.values())
        for document in read_documents(self.clean, split):
            yield document.text
            done += len(document.text.encode())
            self.progress(done, total, "bytes", "encoding")


def tokenize(
    clean: Path, config: TokenizeConfig, out: Path, progress: Progress, *, reused: Path | None = None
) -> TokenizeMetrics:
    """Tokenize the clean artifact's folder `clean` into `out`: `tokenizer.model` and the token shards of both splits.

    With `reused`, the folder of a model or of other tokens, the tokenizer there is taken as it is, whatever the config
    asks for.

    Every document is decoded again and compared. Memory: the sample and its training, and the longest document a few
    times over, whatever the size of the corpus.
    Raises BadInput when a split is empty or the text does not support the vocabulary that was asked for.
    """
    from lm.tokenizer.token_stream import token_stream
    from lm.tokenizer.tokenizer import Tokenizer
    from lm.tokenizer.tokens import write_tokens
    from lm.tokenizer.training import train_tokenizer

    began = time.monotonic()
    reader = _Reader(clean, progress)
    asked = config.vocab_size or config.default_vocab_size
    shrink = config.vocab_size is None
    sample_bytes = config.sample_bytes
    if reused:
        deque(reader.count_and_sample(), maxlen=0)
        model = (reused / TOKENIZER_FILE).read_bytes()
    else:
        model = train_tokenizer(reader.count_and_sample(), config.kind, asked, sample_bytes=sample_bytes, shrink=shrink)
    if not all(reader.documents.values()):
        raise BadInput(f"one side of the split is empty ({reader.documents}): give more text")
    (out / TOKENIZER_FILE).write_bytes(model)
    tokenizer = Tokenizer(out / TOKENIZER_FILE)
    trained = time.monotonic()
    tokens = {
        split: write_tokens(
            token_stream(tokenizer, reader.texts(split), chosen_cores()), out, split, tokenizer.vocab_size
        )
        for split in SPLITS
    }
    encoded = time.monotonic()
    per_token = {
        split: reader.bytes[split] / max(1, count - reader.documents[split]) for split, count in tokens.items()
    }
    return TokenizeMetrics(
        kind=tokenizer.kind,
        vocab_size=tokenizer.vocab_size,
        train_tokens=tokens["train"],
        heldout_tokens=tokens["heldout"],
        train_documents=reader.documents["train"],
        heldout_documents=reader.documents["heldout"],
        train_bytes=reader.bytes["train"],
        heldout_bytes=reader.bytes["heldout"],
        train_bytes_per_token=round(per_token["train"], 4),
        heldout_bytes_per_token=round(per_token["heldout"], 4),
        unknown_tokens=0,  # every document came back from its tokens, which an unknown token rules out
        sample_bytes=0 if reused else min(reader.bytes["train"], sample_bytes),
        training_seconds=round(trained - began, 3),
        encoding_seconds=round(encoded - trained, 3),
        notes=_notes(config, tokenizer, is_reused=reused is not None),
        summary=f"{tokenizer.vocab_size:,} tokens in the {tokenizer.kind} vocabulary, {per_token['heldout']:.2f} bytes "
        "per held-out token",
    )


def _notes(config: TokenizeConfig, tokenizer: "Tokenizer", *, is_reused: bool) -> tuple[str, ...]:
    vocab_size, kind = tokenizer.vocab_size, tokenizer.kind
    if is_reused:
        return ("The tokenizer was made from other text, which may hold some of what is held out here.",)
    if config.vocab_size is None and vocab_size < config.default_vocab_size and kind not in ("char", "byte"):
        return (
            f"The training text supports {vocab_size} tokens in the {kind} vocabulary, fewer than the "
            f"{config.default_vocab_size} that would otherwise have been used.",
        )
    return ()
