"""How the next token is to be drawn: temperature and filters. Light: numpy is with `drawing.py`."""

from pydantic import Field

from lm.config import StageConfig


class SamplingParams(StageConfig):
    """How freely the next token is drawn."""

    temperature: float = Field(
        default=0.8, ge=0, le=100, description="how random the choice of a token is; 0: always the most likely"
    )
    top_k: int = Field(default=0, ge=0, description="draw among the k most likely tokens; 0: among all")
    top_p: float = Field(
        default=0.95, gt=0, le=1, description="draw among the fewest tokens whose probabilities add up to this"
    )
    repetition_penalty: float = Field(
        default=1, ge=1, le=10, description="makes tokens that the text already contains less likely; 1: no change"
    )
    min_p: float = Field(
        default=0, ge=0, le=1, description="leave out tokens below this share of the probability of the most likely one"
    )
