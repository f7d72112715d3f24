"""What the tokenize stage says of the tokenizer and the tokens."""

from typing import Literal

from lm.config import StageMetrics
from lm.text.splits import Split
from lm.tokenizer.kinds import Kind


class TokenizeMetrics(StageMetrics):
    """Size of the vocabulary, and of the text in tokens."""

    kind: Kind
    vocab_size: int
    train_tokens: int
    heldout_tokens: int
    train_documents: int
    heldout_documents: int
    train_bytes: int
    heldout_bytes: int
    train_bytes_per_token: float  # without the document boundaries
    heldout_bytes_per_token: float
    unknown_tokens: int = 0
    sample_bytes: int = 0  # of the text that the tokenizer was trained on
    training_seconds: float = 0.0
    encoding_seconds: float = 0.0

    def count(self, split: Split, unit: Literal["tokens", "bytes"]) -> int:
        """Tokens or bytes on one side of the split."""
        number: int = getattr(self, f"{split}_{unit}")
        return number
