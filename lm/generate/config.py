"""What can be asked of the generate stage."""

from typing import Annotated

from pydantic import Field

from lm.model.sampling_params import SamplingParams

VERSION = 3


class GenerateConfig(SamplingParams):
    """What to write on from, how much, and how freely."""

    prompts: tuple[str, ...] = Field(
        default=(), description="beginnings of texts; empty: no beginning, and those of held-out documents"
    )
    samples: int = Field(default=2, ge=1, le=1000, description="samples of each prompt")
    tokens: int = Field(default=256, ge=1, le=100_000, description="tokens of each sample, at most")
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="a sample ends before the first of these strings"
    )
    seed: int = Field(default=1, ge=0, description="seed of the first sample; the next sample has the next number")
