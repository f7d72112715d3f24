"""Confidence intervals of a rate over texts that differ in length, by resampling whole units of text."""

import numpy as np
import numpy.typing as npt

LEVEL = 0.95

Float64s = npt.NDArray[np.float64]


def resampled_rates(
    amounts: npt.ArrayLike, sizes: npt.ArrayLike, *, resamples: int = 2000, seed: int = 0
) -> Float64s | None:
    """Rates sum(amounts) / sum(sizes) of `resamples` samples of units drawn with replacement.

    amounts, sizes: (units,), for example nats and bytes of every held-out document. The unit must be what varies
    independently: documents, not tokens (Efron and Tibshirani, 1993, chapter 8). The result is a pure function of the
    arguments, so two calls with the same sizes draw the same units: the difference of two models' results is paired.
    None for fewer than two units, of which no spread can be known.
    """
    amount, size = np.asarray(amounts, np.float64), np.asarray(sizes, np.float64)
    if len(size) < 2:
        return None
    random = np.random.default_rng(seed)
    rates = np.empty(resamples)
    for index in range(resamples):  # one at a time: (resamples, units) would not fit for a million documents
        drawn = random.integers(0, len(size), len(size))
        rates[index] = amount[drawn].sum() / size[drawn].sum()
    return rates


def interval(rates: Float64s | None) -> tuple[float, float] | None:
    """Return the central LEVEL of resampled rates: its lower and upper end."""
    if rates is None:
        return None
    low, high = np.quantile(rates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
