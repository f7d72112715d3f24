"""The base of every stage's config and metrics."""

from pydantic import BaseModel, JsonValue

JsonObject = dict[str, JsonValue]


class StageConfig(BaseModel, frozen=True, extra="forbid"):
    """Frozen, and strict about its keys: a mistyped key is an error that names it, never silently dropped."""


class StageMetrics(BaseModel, frozen=True, extra="ignore"):
    """What a stage says of the artifact it made, as its manifest keeps it.

    Fields that came after a stage's first version have a default: older manifests lack them.
    """

    notes: tuple[str, ...] = ()  # what a reader should know
    summary: str = ""

    @property
    def headline(self) -> str:
        """What a reader of a list wants to know first."""
        return self.summary
