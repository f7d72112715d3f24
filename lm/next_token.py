"""From a model's logits to the next token: temperature, the filters, and the draw."""

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lm.config import StageConfig

Float64s = npt.NDArray[np.float64]


class Sampling(StageConfig):
    """How freely the next token is drawn."""

    temperature: float = Field(default=0.8, ge=0, le=100, description="0 always takes the likeliest token")
    top_k: int = Field(default=0, ge=0, description="draw among the k likeliest tokens only; 0 for all")
    top_p: float = Field(
        default=0.95, gt=0, le=1, description="draw among the fewest tokens that hold this probability"
    )
    min_p: float = Field(
        default=0, ge=0, le=1, description="leave out tokens below this share of the likeliest's probability"
    )


def probabilities(logits: npt.ArrayLike, sampling: Sampling) -> Float64s:
    """The distribution that the next token is drawn from: (V,) -> (V,).

    Temperature first, then top-k, top-p (nucleus sampling, arXiv 1904.09751) and min-p (arXiv 2407.01082), each on
    what the one before left. The likeliest token always stays; of equally likely ones the lower ids stay.
    """
    scores = np.asarray(logits, np.float64)
    order = np.argsort(-scores, kind="stable")
    if sampling.temperature == 0:
        kept = np.ones(1)
    else:
        kept = _softmax(scores[order] / sampling.temperature)
        kept = kept[: sampling.top_k or None]
        before = np.cumsum(kept) - kept  # what the likelier tokens hold already
        kept = kept[(before < sampling.top_p * kept.sum()) & (kept >= sampling.min_p * kept[0])]
        kept /= kept.sum()
    result = np.zeros_like(scores)
    result[order[: len(kept)]] = kept  # every filter keeps a beginning of the order
    return result


def draw(logits: npt.ArrayLike, uniform: float, sampling: Sampling) -> int:
    """Draw a token from logits (V,), given a uniform number in [0, 1)."""
    cumulative = np.cumsum(probabilities(logits, sampling))
    threshold = min(uniform * cumulative[-1], np.nextafter(cumulative[-1], 0))
    return int((cumulative > threshold).argmax())


def _softmax(scores: Float64s) -> Float64s:
    powers: Float64s = np.exp(scores - scores.max())
    powers /= powers.sum()
    return powers
