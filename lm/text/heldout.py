"""The text on one side of the split: its extent, a sample of it, and its cutting into units that vary by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lm.text.documents import read_documents
from lm.text.splits import Split
from lm.text.spread_sample import spread_sample

MIN_DOCUMENTS = 20  # below it the units are blocks
BLOCKS = 64
MIN_BLOCK_BYTES = 64

Tokens = npt.NDArray[np.integer]
Decode = Callable[[Tokens], str]


@dataclass(frozen=True)
class Extent:
    """How much text there is on one side of the split."""

    documents: int
    characters: int
    bytes: int

    @property
    def block_bytes(self) -> int | None:
        """Size of the blocks that are the units where there are few documents; None where documents are."""
        return max(self.bytes // BLOCKS, MIN_BLOCK_BYTES) if self.documents < MIN_DOCUMENTS else None


@dataclass(frozen=True)
class Unit:
    """A stretch of one document: where it begins and ends in its tokens and in its bytes."""

    first_token: int
    end_token: int
    first_byte: int
    end_byte: int


class NotTheSameText(Exception):
    """Tokens do not spell the text they are said to be."""


def extent(clean: Path, split: Split) -> Extent:
    """Measure one side of the split, one document in memory at a time."""
    sizes = [(len(document.text), len(document.text.encode())) for document in read_documents(clean, split)]
    return Extent(len(sizes), sum(size[0] for size in sizes), sum(size[1] for size in sizes))


def sample(clean: Path, split: Split, whole: Extent, cap_bytes: int) -> list[bytes]:
    """All documents of a split as UTF-8, or stretches spread evenly over them where they exceed the cap."""
    texts = (document.text for document in read_documents(clean, split))
    return [text.encode() for text in (texts if whole.bytes <= cap_bytes else spread_sample(texts, cap_bytes))]


def units(text: bytes, tokens: Tokens, decode: Decode, block_bytes: int | None) -> Iterator[Unit]:
    """Cut a document into blocks of about `block_bytes`, or give it whole when that is None.

    A block ends with a token that ends with a character. Raises NotTheSameText when the tokens do not spell the text.
    """
    per_block = len(tokens) if block_bytes is None else max(len(tokens) * block_bytes // max(len(text), 1), 1)
    token = byte = 0
    while token < len(tokens):
        end = token + per_block
        if len(tokens) - end < per_block // 2:  # rather a longer last block than a scrap
            end = len(tokens)
        piece = decode(tokens[token:end]).encode()
        while not text.startswith(piece, byte) and end < len(tokens):  # it ends inside a character
            end += 1
            piece = decode(tokens[token:end]).encode()
        if not text.startswith(piece, byte):
            raise NotTheSameText
        yield Unit(token, end, byte, byte + len(piece))
        token, byte = end, byte + len(piece)
    if byte != len(text):
        raise NotTheSameText
