"""What can be asked of the evaluate stage."""

from typing import Annotated, Literal

from pydantic import Field

from lm.compressors.config import CompressorsConfig
from lm.compressors.libraries import why_no_zpaq
from lm.config import StageConfig


class EvaluateConfig(StageConfig):
    """How a model is measured."""

    precision: Literal["auto", "bf16", "fp32"] = Field(
        default="auto", description="precision of the arithmetic; auto: that of the training"
    )
    ngram_bytes: int = Field(
        default=16 << 20, ge=1, description="training text the n-grams are counted in, at most; spread evenly over it"
    )
    compressor_bytes: int = Field(
        default=1 << 20, ge=1, description="training text the compressors read, at most, and held-out text as well"
    )
    ngram_order: int = Field(default=5, ge=1, le=7, description="length of the n-gram baseline, in bytes")
    resamples: int = Field(default=2000, ge=100, description="bootstrap samples for the confidence intervals")
    temperatures: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(0.5, 0.8, 1.0), min_length=1, description="temperatures of the samples that are judged for repetition"
    )
    samples: int = Field(default=4, ge=1, description="samples at each temperature")
    sample_tokens: int = Field(default=256, ge=1, description="tokens of each sample")
    seed: int = Field(default=1, ge=0, description="seed of bootstrap and samples")

    @property
    def compressors(self) -> CompressorsConfig:
        """What is asked of the stage that measures them, once for all models of a text."""
        return CompressorsConfig(text_bytes=self.compressor_bytes, zpaq=why_no_zpaq() is None)
