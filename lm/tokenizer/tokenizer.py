"""The tokenizer: a sentencepiece model under which every text survives, `decode(encode(text)) == text`.

Left alone, sentencepiece is lossy: it normalises, collapses spaces and reads U+2581 as a space. Here
- there is no normalisation, no dummy prefix, and what has no piece of its own becomes bytes;
- U+2581 and the escape character itself are escaped, so that the text handed to sentencepiece never holds U+2581;
- newline and `<` are always symbols of their own. Every piece that is no text (`<unk>`, `<|endoftext|>`, `<0x41>`)
  begins with `<`, so no text can spell one, in readers that match pieces by name either;
- text is encoded line by line, and a very long line in stretches, so that memory stays bounded and other readers,
  which add scores up with another precision, come to the same pieces.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import sentencepiece
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types
from sentencepiece import sentencepiece_model_pb2

from lm.errors import BadInput, SlowburnError
from lm.store.files import check_readable
from lm.tokenizer.kinds import Kind
from lm.tokenizer.special_tokens import BOUNDARY_ID, BOUNDARY_PIECE, BYTE_VOCAB_SIZE, UNKNOWN_ID
from lm.tokenizer.tokens import Tokens, token_dtype

ModelProto: Any = sentencepiece_model_pb2.ModelProto  # type: ignore[attr-defined]  # made at import, so unseen by mypy
KINDS_BY_MODEL_TYPE: dict[int, Kind] = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}  # sentencepiece's numbers
SPACE = "\u2581"
ESCAPE = "\x10"  # data link escape: hardly ever in a text, and one byte when it is
ESCAPES = ((ESCAPE, ESCAPE + "0"), (SPACE, ESCAPE + "1"))  # in this order; undone in the reverse order
WORDS_REMEMBERED = 1 << 14
SEGMENT_CHARACTERS = 4096
WORD = re.compile(r" ?\w+(?:['\u2019]\w+)*| ?[^\w\s<]+|\s|<")


def escape(text: str) -> str:
    """Rewrite a text without U+2581; `unescape` undoes it exactly."""
    for plain, escaped in ESCAPES:
        text = text.replace(plain, escaped)
    return text


def unescape(text: str) -> str:
    """Undo `escape`."""
    for plain, escaped in reversed(ESCAPES):
        text = text.replace(escaped, plain)
    return text


def segments(escaped: str) -> Iterator[str]:
    """Cut an escaped text into stretches of whole lines, SEGMENT_CHARACTERS at most; a longer line is cut there.

    As no piece holds a newline and more, the tokens are those of the lines by themselves.
    """
    position = 0
    while position < len(escaped):
        end = escaped.rfind("\n", position, position + SEGMENT_CHARACTERS) + 1 or position + SEGMENT_CHARACTERS
        yield escaped[position:end]
        position = end


class Tokenizer:
    """A trained tokenizer, loaded from its `tokenizer.model`."""

    boundary_id = BOUNDARY_ID

    def __init__(self, path: Path) -> None:
        """Raise SlowburnError when the file is not a tokenizer that Slowburn made."""
        check_readable(path)
        try:
            self._load(path.read_bytes())
        except (OSError, DecodeError, RuntimeError, ValueError) as error:
            raise SlowburnError(
                f"{path} is not a tokenizer made by Slowburn ({error}): delete its folder and run again"
            ) from error

    @classmethod
    def from_bytes(cls, model: bytes) -> Self:
        """Load what `train_tokenizer` returned."""
        tokenizer = cls.__new__(cls)
        tokenizer._load(model)
        return tokenizer

    def _load(self, model: bytes) -> None:
        proto = ModelProto.FromString(model)
        if len(proto.pieces) <= BOUNDARY_ID or proto.pieces[BOUNDARY_ID].piece != BOUNDARY_PIECE:
            raise ValueError(f"piece {BOUNDARY_ID} is not {BOUNDARY_PIECE}")
        kind = KINDS_BY_MODEL_TYPE[proto.trainer_spec.model_type]
        self.kind: Kind = "byte" if kind == "char" and len(proto.pieces) == BYTE_VOCAB_SIZE else kind
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.vocab_size: int = self._processor.vocab_size()
        self.dtype = token_dtype(self.vocab_size)
        self._word_ids = lru_cache(WORDS_REMEMBERED)(self._encode_word)

    def encode(self, text: str) -> Tokens:
        """Encode a text, without a document boundary: (n_tokens,).

        Raises BadInput when the text holds lone surrogates, which are no characters.
        """
        encoded = self.encode_segments(list(segments(escape(text))))
        return np.concatenate([np.empty(0, np.int32), *encoded]).astype(self.dtype)

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Decode token ids. Document boundaries become nothing, bytes that are not UTF-8 become U+FFFD."""
        return unescape(self.decode_escaped(np.asarray(ids, dtype=np.int32)))

    def byte(self, token: int) -> int | None:
        """The byte that a token stands for; None for a token of whole characters."""
        piece = self._processor.id_to_piece(token)
        return int(piece[3:-1], 16) if self._processor.is_byte(token) else None

    def pieces(self) -> Iterator[tuple[int, str, float]]:
        """Each piece that is text: its id, its escaped text and its score, higher for what is chosen sooner."""
        processor = self._processor
        for token in range(self.vocab_size):
            if not (processor.is_byte(token) or processor.is_unknown(token) or processor.is_control(token)):
                yield token, processor.id_to_piece(token), processor.get_score(token)

    def encode_segments(self, batch: list[str]) -> list[npt.NDArray[np.int32]]:
        """Encode each of a batch of `segments`."""
        try:
            if self.kind == "word":
                return [self._encode_words(segment) for segment in batch]
            encoded: list[npt.NDArray[np.int32]] = self._processor.encode(batch, return_type="numpy", num_threads=1)
        except (UnicodeEncodeError, TypeError):
            raise BadInput("the text holds lone surrogates, which are no characters: give it as UTF-8") from None
        return encoded

    def decode_escaped(self, ids: npt.NDArray[np.int32]) -> str:
        """Decode to the escaped text."""
        escaped: str = self._processor.decode(ids)  # type: ignore[arg-type]  # arrays too
        return escaped

    def _encode_words(self, segment: str) -> npt.NDArray[np.int32]:
        """Encode a segment word by word: sentencepiece's own words end only at spaces (`house,` would be one)."""
        return np.fromiter(chain.from_iterable(map(self._word_ids, WORD.findall(segment))), np.int32)

    def _encode_word(self, word: str) -> list[int]:
        """A word with its space, or the space and the word, or the space and the word's bytes."""
        known = word[0] != " " or self._processor.piece_to_id(SPACE + word[1:]) != UNKNOWN_ID
        return [token for part in ([word] if known else [" ", word[1:]]) for token in self._processor.encode(part)]
