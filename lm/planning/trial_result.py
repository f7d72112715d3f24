"""What a few real steps of a planned training showed. Light: `probe.py`, which makes them, needs torch."""

from lm.config import StageConfig


class TrialResult(StageConfig):
    """A trial's figures."""

    step_seconds: float
    checkpoint_bytes: int
    peak_memory_bytes: int
