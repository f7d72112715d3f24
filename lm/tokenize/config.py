"""What can be asked of the tokenize stage."""

from pydantic import Field, ValidationInfo, field_validator

from lm.config import StageConfig
from lm.tokenizer.kinds import Kind
from lm.tokenizer.special_tokens import BYTE_VOCAB_SIZE, MIN_VOCAB_SIZE

TOKENIZER_FILE = "tokenizer.model"

VERSION = 1


class TokenizeConfig(StageConfig):
    """How text becomes tokens."""

    kind: Kind = Field("bpe", description="kind of tokenizer")
    from_run: str | None = Field(
        None,
        min_length=1,
        coerce_numbers_to_str=True,  # a key may be all digits
        description="a run, or the key of tokens or a model, whose tokenizer is taken as it is",
    )
    vocab_size: int | None = Field(
        None, ge=BYTE_VOCAB_SIZE, description="tokens in the vocabulary; an error where the text supports fewer"
    )
    default_vocab_size: int = Field(
        1024, ge=BYTE_VOCAB_SIZE, description="tokens where vocab_size is empty; fewer where the text is small"
    )
    sample_bytes: int = Field(5_000_000, ge=100_000, description="text the tokenizer is trained on, at most")

    @field_validator("vocab_size")
    @classmethod
    def _of_its_kind(cls, vocab_size: int | None, info: ValidationInfo) -> int | None:
        is_byte = info.data.get("kind") == "byte"
        if is_byte and vocab_size not in (None, BYTE_VOCAB_SIZE):
            raise ValueError(f"a byte tokenizer has {BYTE_VOCAB_SIZE} tokens: leave vocab_size out")
        if not is_byte and vocab_size is not None and vocab_size < MIN_VOCAB_SIZE:
            raise ValueError(f"every byte needs a token: expected vocab_size {MIN_VOCAB_SIZE} or more")
        return vocab_size
