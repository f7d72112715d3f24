"""The base of every stage's config."""

from pydantic import BaseModel, ConfigDict


class StageConfig(BaseModel):
    """Frozen, and strict about its keys: a mistyped key is an error that names it, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")
