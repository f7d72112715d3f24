"""What the generate stage says of its samples."""

from pydantic import BaseModel

from lm.config import StageMetrics


class Repetition(BaseModel, frozen=True, extra="allow"):
    """How far texts repeat themselves: means over the texts of what `lm.text.degeneracy` measures of one."""

    texts: int
    characters: float
    score: float
    verdict: str  # healthy, repetitive or collapsed


class GenerateMetrics(StageMetrics):
    """Number of samples, their speed, how repetitive they are, and what they have in common with the training text."""

    samples: int
    tokens: int
    tokens_per_second: float
    degeneracy: Repetition
    longest_match_characters: int
    human_longest_match_characters: int | None = None

    @property
    def headline(self) -> str:
        """Number of samples."""
        return f"{self.samples} samples"
