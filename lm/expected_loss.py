"""What a model will come to, in bits per byte of held-out text, before it is trained: a guess with an honest interval.

How predictable a text is, xz tells from a stretch of it; what training adds was measured on a few texts and times
(FACTS, docs/decisions.md). Between them the share of xz's size that the model needs falls with the logarithm of the
arithmetic spent.
"""

import math
from statistics import fmean

from lm.config import StageConfig

ENGLISH_SAMPLE_BITS = 2.75  # of xz, for a text that is not here to be read
UNREAD_SPREAD = 0.15  # what prose of other authors and centuries differs by

# Arithmetic spent (floating-point operations), bits per byte of the finished model over those of xz on a stretch: Tiny
# Shakespeare after 15 s, 1, 2 and 3 minutes, a fifth of it after 30 s, Python's documentation after 1, 3 and 5 minutes.
FACTS = (
    (1.58e12, 2.413 / 2.738),
    (9.36e12, 2.091 / 2.738),
    (2.0e13, 2.051 / 2.738),
    (2.99e13, 2.031 / 2.738),
    (5.08e11, 2.744 / 2.848),
    (9.36e12, 1.748 / 2.044),
    (3.08e13, 1.460 / 2.044),
    (5.2e13, 1.409 / 2.044),
)
LEAST_SPREAD = 0.08  # of the expectation: other texts, other seeds


class Expectation(StageConfig):
    """Bits per byte: nine runs of ten are expected between `low` and `high`."""

    low: float
    likely: float
    high: float


def expected_bits_per_byte(sample_bits: float | None, flops: float) -> Expectation:
    """The expectation for a text whose stretch takes xz `sample_bits` a byte, after so much arithmetic."""
    share, spread = _share(flops)
    if sample_bits is None:
        sample_bits, spread = ENGLISH_SAMPLE_BITS, math.hypot(spread, UNREAD_SPREAD)
    likely = share * sample_bits
    return Expectation(low=likely * (1 - spread), likely=likely, high=likely * (1 + spread))


def _share(flops: float) -> tuple[float, float]:
    """The model's share of xz's bits, by a line through FACTS over log10(flops), and its relative spread."""
    xs, ys = [math.log10(fact[0]) for fact in FACTS], [fact[1] for fact in FACTS]
    x_mean, y_mean = fmean(xs), fmean(ys)
    variance = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / variance
    residual = max(abs(y / (y_mean + slope * (x - x_mean)) - 1) for x, y in zip(xs, ys, strict=True))
    x = math.log10(max(flops, 1.0))
    outside = max(0.0, min(xs) - x, x - max(xs))  # decades beyond what was measured
    share = y_mean + slope * (min(max(x, min(xs) - 2), max(xs) + 1) - x_mean)
    return share, max(LEAST_SPREAD, residual) + 0.1 * outside
