"""The evaluate stage: what a model is worth on the held-out text, beside baselines and human text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lm.config import StageConfig
from lm.progress import Progress

VERSION = 4
EVALUATION_FILE = "evaluation.json"


class EvaluateConfig(StageConfig):
    """How a model is measured."""

    precision: Literal["auto", "bf16", "fp32"] = Field(
        default="auto", description="of the arithmetic; auto: that of the training"
    )
    ngram_bytes: int = Field(
        default=16 << 20, ge=1, description="training text the n-grams are counted in, at most; spread evenly over it"
    )
    compressor_bytes: int = Field(
        default=2 << 20, ge=1, description="training text the compressors read, at most, and held-out text as well"
    )
    ngram_order: int = Field(default=5, ge=1, le=7, description="length of the n-gram baseline, in bytes")
    resamples: int = Field(default=2000, ge=100, description="bootstrap samples for the confidence intervals")
    temperatures: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(0.5, 0.8, 1.0), min_length=1, description="of the samples judged for repetition"
    )
    samples: int = Field(default=4, ge=1, description="samples at each temperature")
    sample_tokens: int = Field(default=256, ge=1, description="tokens of each sample")
    seed: int = Field(default=1, ge=0, description="of bootstrap and samples")


def evaluate(
    model: Path,
    tokens: Path,
    clean: Path,
    config: EvaluateConfig,
    out: Path,
    progress: Progress,
    *,
    replicas: Sequence[Path] = (),
) -> dict[str, Any]:
    """Measure the model in folder `model` on the held-out split of `tokens` and `clean`; write `evaluation.json`.

    With `replicas`, trained on the same tokens, what is measured is the mean of all their probabilities and its own.
    Returns the headline metrics. Raises SlowburnError when the three do not belong together.
    """
    from lm.evaluation.evaluation import evaluation, headline  # torch and all: not for readers of the config
    from lm.store import write_json

    result = evaluation([model, *replicas], tokens, clean, config, progress)
    write_json(out / EVALUATION_FILE, result)
    return headline(result)
