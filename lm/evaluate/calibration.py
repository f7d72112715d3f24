"""Whether a model knows what it knows: its confidence beside how often it is right, and which tokens are hard."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lm.evaluate.bootstrap import interval, resampled_rates
from lm.evaluate.result import CalibrationBin, CalibrationReport, TokensOfContext, TokensOfFrequency

BINS = 15
COUNTED_TOKENS = 1 << 22  # of the training text, from its beginning: how frequent each token is
HARDEST, MIN_OCCURRENCES = 20, 10

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Calibration:
    """Adds up, token by token, what the held-out text says of a model's probabilities.

    The expected calibration error is that of Guo et al. (arXiv 1706.04599): the mean distance between confidence (the
    probability of the likeliest token) and accuracy (how often it comes) over bins of equal width.
    """

    def __init__(self, vocab_size: int) -> None:
        self.tokens, self.right = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
        self.confidence = np.zeros(BINS)
        self.occurrences, self.nats = np.zeros(vocab_size, np.int64), np.zeros(vocab_size)

    def add(self, logits: Tensor, targets: Tensor, nats: Tensor) -> None:
        """Take in tokens: logits (n, V) in fp32, the tokens that came (n,) and their -ln p (n,)."""
        best, guess = logits.max(dim=-1)
        confidence = (best - logits.logsumexp(dim=-1)).exp().double().numpy()
        places = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        came, right = targets.numpy(), (guess == targets).numpy()
        self.tokens += np.bincount(places, minlength=BINS)
        self.right += np.bincount(places[right], minlength=BINS)
        self.confidence += np.bincount(places, confidence, BINS)
        self.occurrences += np.bincount(came, minlength=len(self.nats))
        self.nats += np.bincount(came, nats.double().numpy(), len(self.nats))

    def report(self) -> CalibrationReport:
        """The expected calibration error and the reliability curve; bins without tokens are left out."""
        bins: list[CalibrationBin] = [
            {"confidence": confidence / tokens, "accuracy": right / tokens, "tokens": tokens}
            for confidence, right, tokens in zip(
                self.confidence.tolist(), self.right.tolist(), self.tokens.tolist(), strict=True
            )
            if tokens
        ]
        total = max(int(self.tokens.sum()), 1)
        error = sum(abs(row["confidence"] - row["accuracy"]) * row["tokens"] for row in bins) / total
        return {"expected_calibration_error": error, "accuracy": int(self.right.sum()) / total, "bins": bins}

    def by_frequency(self, counts: Counts) -> list[TokensOfFrequency]:
        """Mean nats of tokens that stand 0, 1, 2-3, 4-7, … times in the counted training text: counts (V,).

        Beside it what they cost whoever knows nothing but these counts, each one larger by 1 (Laplace).
        """
        by_count = -np.log((counts + 1) / (counts.sum() + len(counts)))
        octaves = np.where(counts > 0, np.floor(np.log2(np.maximum(counts, 1))) + 1, 0).astype(np.int64)
        rows: list[TokensOfFrequency] = []
        for octave in np.unique(octaves[self.occurrences > 0]).tolist():
            inside = octaves == octave
            tokens = int(self.occurrences[inside].sum())
            rows.append(
                {
                    "least_count": 2 ** (octave - 1) if octave else 0,
                    "tokens": tokens,
                    "nats_per_token": float(self.nats[inside].sum()) / tokens,
                    "by_count_alone": float(self.occurrences[inside] @ by_count[inside]) / tokens,
                }
            )
        return rows

    def hardest(self) -> list[tuple[int, int, float]]:
        """Token id, occurrences and mean nats of the tokens that cost the model the most, rare ones left out."""
        mean = self.nats / np.maximum(self.occurrences, 1)
        order = np.lexsort((np.arange(len(mean)), -mean))
        common = [token for token in order.tolist() if self.occurrences[token] >= MIN_OCCURRENCES]
        return [(token, int(self.occurrences[token]), float(mean[token])) for token in common[:HARDEST]]


def by_tokens_read(nats: Sequence[npt.NDArray[np.floating]], resamples: int, seed: int) -> list[TokensOfContext]:
    """Mean nats of tokens judged after 1, 2, 3-4, 5-8, … others, with 95 % intervals over windows.

    nats: one array a window, the first of which is of a token judged after one other (see `window_nats`).
    """
    rows: list[TokensOfContext] = []
    end = 0
    while any(len(window) > end for window in nats):
        first, end = end, max(2 * end, 1)
        inside = [window[first:end] for window in nats if len(window) > first]
        sums, sizes = [float(part.sum(dtype=np.float64)) for part in inside], [len(part) for part in inside]
        rows.append(
            {
                "least_read": first + 1,
                "most_read": end,
                "tokens": sum(sizes),
                "nats_per_token": sum(sums) / sum(sizes),
                "ci95": interval(resampled_rates(sums, sizes, resamples=resamples, seed=seed)),
            }
        )
    return rows


def count_tokens(documents: Iterable[npt.NDArray[np.integer]], vocab_size: int) -> Counts:
    """How often each token stands in documents, up to COUNTED_TOKENS of them: (V,)."""
    counts, seen = np.zeros(vocab_size, np.int64), 0
    for document in documents:
        counts += np.bincount(document[: COUNTED_TOKENS - seen], minlength=vocab_size)
        seen += len(document)
        if seen >= COUNTED_TOKENS:
            break
    return counts
