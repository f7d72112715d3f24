"""Which two pieces each piece of a vocabulary is made of."""

import numpy as np
import numpy.typing as npt

from lm.tokenizing.tokenizer import Tokenizer

KINDS = ("bpe", "unigram")  # pieces of the others are made of none


def piece_halves(tokenizer: Tokenizer) -> npt.NDArray[np.int64] | None:
    """The halves of each piece: (V, 2), -1 twice where no two pieces spell it; None for a tokenizer of other kinds.

    Of several pairs it is the one whose worse half is best known: of a BPE piece, about the pair that was merged.
    """
    if tokenizer.kind not in KINDS:
        return None
    halves = np.full((tokenizer.vocab_size, 2), -1)
    known = {text: (len(text) == 1, score, token) for token, text, score in tokenizer.pieces()}
    for text, (*_, token) in known.items():
        cuts = [(text[:place], text[place:]) for place in range(1, len(text))]
        pairs = [(known[first], known[second]) for first, second in cuts if first in known and second in known]
        if pairs:
            halves[token] = [half[-1] for half in max(pairs, key=min)]
    return halves
