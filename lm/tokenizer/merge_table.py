"""How else the pieces of a vocabulary can be spelled with smaller ones."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lm.tokenizer.tokenizer import Tokenizer

KINDS = ("bpe", "unigram")  # pieces of the others are not made of others
REMEMBERED = 1 << 12  # tokens, the most frequent among them
Bounds = tuple[int, ...]  # where the pieces of a text begin, and its end
Merge = tuple[int, int, int]  # begin of a piece, end of it and begin of the next one, end of that


class MergeTable:
    """Of each token, what its characters come to when one of the merges that make it is left out."""

    def __init__(self, pieces: Iterable[tuple[int, str, float]], vocab_size: int) -> None:
        """`pieces`: token, text and score of each piece of text, higher for what is merged sooner."""
        self._texts, self._scores, self._tokens = {}, {}, {}
        self.merges = np.zeros(vocab_size, dtype=np.int64)  # (V,): that make a token
        for token, text, score in pieces:
            self._texts[token], self._scores[text], self._tokens[text] = text, score, token
            self.merges[token] = len(text) - 1
        self.of = lru_cache(REMEMBERED)(self._spell)

    def _spell(self, token: int) -> list[npt.NDArray[np.int64]]:
        """The spellings of a token made by merges, one for each that is left out.

        Itself, where others take its place or where merges do not lead to it, as to many pieces of a unigram model.
        """
        text = self._texts[token]
        *made, (whole, _) = self._merging(text, tuple(range(len(text) + 1)))
        if len(whole) > 2:
            return [np.array([token])]
        ends = [list(self._merging(text, bounds, left_out=merge))[-1][0] for bounds, merge in made]
        return [np.array([self._tokens[text[begin:end]] for begin, end in pairwise(e)]) for e in ends]

    def _merging(
        self, text: str, bounds: Bounds, left_out: Merge | None = None
    ) -> Iterator[tuple[Bounds, Merge | None]]:
        """Every state on the way, with the merge that comes next: the one whose piece scores best; None at last."""
        while merges := [
            (self._scores[text[begin:end]], -begin, (begin, middle, end))
            for begin, middle, end in zip(bounds, bounds[1:], bounds[2:], strict=False)
            if text[begin:end] in self._scores and (begin, middle, end) != left_out
        ]:
            *_, merge = max(merges)
            yield bounds, merge
            bounds = tuple(bound for bound in bounds if bound != merge[1])
        yield bounds, None


def merge_table(tokenizer: Tokenizer) -> MergeTable | None:
    """Those of a tokenizer's pieces; None for a kind whose pieces are not made of others."""
    return MergeTable(tokenizer.pieces(), tokenizer.vocab_size) if tokenizer.kind in KINDS else None
