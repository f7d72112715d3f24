"""The base of every stage's config and metrics."""

from pydantic import BaseModel, ConfigDict, JsonValue

JsonObject = dict[str, JsonValue]


class StageConfig(BaseModel):
    """Frozen, and strict about its keys: a mistyped key is an error that names it, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StageMetrics(BaseModel):
    """What a stage says of the artifact it made, as its manifest keeps it.

    Fields that came after a stage's first version have a default: older manifests lack them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    notes: tuple[str, ...] = ()  # what a reader should know
    summary: str = ""

    @property
    def headline(self) -> str:
        """What a reader of a list wants to know first."""
        return self.summary
