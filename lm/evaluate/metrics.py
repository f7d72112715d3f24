"""What the evaluate stage says of a model."""

from lm.config import StageMetrics


class EvaluateMetrics(StageMetrics):
    """Bits per byte on the held-out text, beside those of the baselines."""

    bits_per_byte: float
    ci95: tuple[float, float] | None
    nats_per_byte: float
    perplexity_per_token: float
    bytes: int
    tokens: int
    verdict: str  # on the n-gram
    baselines: dict[str, float]  # bits per byte
    degeneracy: str  # healthy, repetitive or collapsed

    @property
    def headline(self) -> str:
        """Bits per byte."""
        return f"{self.bits_per_byte:.3f} bits per byte"
