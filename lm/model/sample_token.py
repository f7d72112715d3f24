"""From a model's logits to the next token: the penalty, temperature, the filters, and the draw."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lm.model.sampling_params import SamplingParams
from lm.tokenizer.special_tokens import BOUNDARY_ID

FEW = 64  # tokens hold all the probability that counts, as a rule

Float64s = npt.NDArray[np.float64]
Tokens = npt.NDArray[np.intp]


def sample_token(logits: npt.ArrayLike, uniform: float, sampling: SamplingParams, text: Sequence[int] = ()) -> int:
    """Draw a token from logits (V,), given a uniform number in [0, 1) and the tokens of the text so far."""
    tokens, shares = likeliest(np.asarray(logits, np.float64), sampling, text)
    cumulative = np.cumsum(shares)
    threshold = min(uniform * cumulative[-1], np.nextafter(cumulative[-1], 0))
    return int(tokens[np.searchsorted(cumulative, threshold, "right")])


def likeliest(scores: Float64s, sampling: SamplingParams, text: Sequence[int]) -> tuple[Tokens, Float64s]:
    """The tokens that may come, likeliest first, and the share of each: (kept,) twice.

    The repetition penalty first (CTRL, arXiv 1909.05858), then temperature, then top-k, top-p (nucleus sampling, arXiv
    1904.09751) and min-p (arXiv 2407.01082), each on what the one before left. The likeliest token always stays; of
    equally likely ones the lower ids stay.
    """
    if sampling.repetition_penalty != 1 and len(text):
        scores, seen = scores.copy(), np.setdiff1d(text, [BOUNDARY_ID])
        scores[seen] *= np.where(scores[seen] > 0, 1 / sampling.repetition_penalty, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return np.array([scores.argmax()]), np.ones(1)
    shares = _softmax(scores / sampling.temperature)
    enough = sampling.top_p * shares.sum()
    order = _order(shares, enough, sampling.top_k)
    kept = shares[order][: sampling.top_k or None]
    before = np.cumsum(kept) - kept  # what the likelier tokens hold already
    enough = sampling.top_p * kept.sum() if sampling.top_k else enough
    kept = kept[(before < enough) & (kept >= sampling.min_p * kept[0])]
    return order[: len(kept)], kept


def _order(shares: Float64s, enough: float, count: int) -> Tokens:
    """The likeliest tokens in order, at least `count` of them, or (for 0) as many as hold `enough`.

    Few do as a rule: sorting all would take longer than all else here.
    """
    few = max(count, FEW)
    while few < len(shares):
        bound = np.partition(shares, -few)[-few]
        if count or shares[shares >= bound].sum() >= enough:
            tokens = np.flatnonzero(shares >= bound)
            return tokens[np.argsort(-shares[tokens], kind="stable")]
        few *= 8
    return np.argsort(-shares, kind="stable")


def _softmax(scores: Float64s) -> Float64s:
    powers: Float64s = np.exp(scores - scores.max())
    powers /= powers.sum()
    return powers
