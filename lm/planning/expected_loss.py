"""What a model will come to, in bits per byte of held-out text, before it is trained: a guess with an honest interval.

How predictable a text is, xz tells from a stretch of it; what training adds was measured on a few texts and times
(FACTS, docs/archive/decisions-2026-11.md). Between them the share of xz's size that the model needs falls with the
logarithm of the arithmetic spent, where reading a text again counts for less each time: the form of Muennighoff et al.
2023, https://arxiv.org/abs/2305.16264, with a constant of our own.
"""

import math
from statistics import linear_regression
from typing import NamedTuple

from lm.config import StageConfig

ENGLISH_SAMPLE_BITS = 2.75  # of xz, for a text that is not here to be read
UNREAD_SPREAD = 0.15  # what prose of other authors and centuries differs by

WORTH_OF_REPEATS = 4.0  # passes that reading a text again and again comes to at most: fitted, like the line below


class Fact(NamedTuple):
    """A training: arithmetic spent (floating-point operations), passes over the text, bits per byte over those of xz.

    The passes of those that have one decimal were reckoned from their arithmetic afterwards.
    """

    flops: float
    passes: float
    share: float


FACTS = (
    Fact(1.58e12, 1.9, 2.413 / 2.738),  # Tiny Shakespeare, after 15 s to 11 min
    Fact(4.8e12, 4.0, 2.119 / 2.738),
    Fact(9.7e12, 5.1, 2.059 / 2.738),
    Fact(1.88e13, 4, 2.035 / 2.738),
    Fact(2.99e13, 6.4, 2.031 / 2.738),
    Fact(5.0e13, 10.3, 1.985 / 2.738),
    Fact(1.13e14, 24, 2.010 / 2.738),
    Fact(5.08e11, 2.7, 2.744 / 2.848),  # a fifth of it, 30 s
    Fact(8.0e12, 2.1, 1.820 / 2.045),  # Python's documentation, 1 to 3 min
    Fact(2.7e13, 5.1, 1.531 / 2.045),
    Fact(6.27e13, 6.7, 1.470 / 2.045),
)
MIN_SPREAD = 0.08  # of the expectation: other texts, other seeds


class Expectation(StageConfig):
    """Bits per byte: nine runs of ten are expected between `low` and `high`."""

    low: float
    likely: float
    high: float


def expected_bits_per_byte(sample_bits: float | None, flops: float, passes: float) -> Expectation:
    """The expectation for a text whose stretch takes xz `sample_bits` a byte, after so much arithmetic and passes."""
    share, spread = _share(_decades(flops, passes))
    if sample_bits is None:
        sample_bits, spread = ENGLISH_SAMPLE_BITS, math.hypot(spread, UNREAD_SPREAD)
    likely = share * sample_bits
    return Expectation(low=likely * (1 - spread), likely=likely, high=likely * (1 + spread))


def _decades(flops: float, passes: float) -> float:
    """The logarithm of the arithmetic, less what went into repeats that taught nothing."""
    repeats = max(0.0, passes - 1)
    worth = min(passes, 1.0) + WORTH_OF_REPEATS * (1 - math.exp(-repeats / WORTH_OF_REPEATS))
    return math.log10(max(flops * worth / max(passes, 1e-9), 1.0))


def _share(x: float) -> tuple[float, float]:
    """The model's share of xz's bits, by a line through FACTS over `_decades`, and its relative spread."""
    xs, ys = [_decades(fact.flops, fact.passes) for fact in FACTS], [fact.share for fact in FACTS]
    slope, start = linear_regression(xs, ys)
    residual = max(abs(y / (start + slope * at) - 1) for at, y in zip(xs, ys, strict=True))
    outside = max(0.0, min(xs) - x, x - max(xs))  # decades beyond what was measured
    share = start + slope * min(max(x, min(xs) - 2), max(xs) + 1)
    return share, max(MIN_SPREAD, residual) + 0.1 * outside
