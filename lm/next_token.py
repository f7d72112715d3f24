"""From a model's logits to the next token: temperature, the filters, and the draw."""

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lm.config import StageConfig

Float64s = npt.NDArray[np.float64]


class Sampling(StageConfig):
    """How freely the next token is drawn."""

    temperature: float = Field(0.8, ge=0, le=100, description="0 always takes the likeliest token")
    top_k: int = Field(0, ge=0, description="draw among the k likeliest tokens only; 0 for all")
    top_p: float = Field(0.95, gt=0, le=1, description="draw among the fewest tokens that hold this probability")
    min_p: float = Field(0, ge=0, le=1, description="leave out tokens below this share of the likeliest's probability")


def probabilities(logits: npt.ArrayLike, sampling: Sampling) -> Float64s:
    """The distribution that the next token is drawn from: (..., V) -> (..., V).

    Temperature first, then top-k, top-p (nucleus sampling, arXiv 1904.09751) and min-p (arXiv 2407.01082), each on
    what the one before left. The likeliest token always stays; of equally likely ones the lower ids stay.
    """
    scores = np.asarray(logits, np.float64)
    order = np.argsort(-scores, axis=-1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=-1)
    if sampling.temperature == 0:
        kept = np.zeros_like(scores)
        kept[..., 0] = 1.0
    else:
        kept = _softmax(scores / sampling.temperature)
        if sampling.top_k:
            kept[..., sampling.top_k :] = 0.0
        before = np.cumsum(kept, axis=-1) - kept  # what the likelier tokens hold already
        kept[before >= sampling.top_p * kept.sum(axis=-1, keepdims=True)] = 0.0
        kept[kept < sampling.min_p * kept[..., :1]] = 0.0
        kept /= kept.sum(axis=-1, keepdims=True)
    result = np.empty_like(kept)
    np.put_along_axis(result, order, kept, axis=-1)
    return result


def draw(logits: npt.ArrayLike, uniforms: npt.ArrayLike, sampling: Sampling) -> npt.NDArray[np.int64]:
    """Draw a token for each row of logits (B, V), given a uniform number in [0, 1) for each: (B,)."""
    cumulative = np.cumsum(probabilities(logits, sampling), axis=-1)
    total = cumulative[:, -1:]
    thresholds = np.minimum(np.asarray(uniforms, np.float64)[:, None] * total, np.nextafter(total, 0))
    tokens: npt.NDArray[np.int64] = (cumulative > thresholds).argmax(axis=-1)
    return tokens


def _softmax(scores: Float64s) -> Float64s:
    powers: Float64s = np.exp(scores - scores.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers
