"""What can be asked of the compressors stage."""

from pydantic import Field

from lm.config import StageConfig

COMPRESSORS_FILE = "compressors.json"
STATIC, ADAPTIVE = "(static)", "(adaptive)"  # what the names of figures end with


class CompressorsConfig(StageConfig):
    """Which compressors read how much text."""

    text_bytes: int = Field(
        default=1 << 20, ge=1, description="training text that they read, at most, and held-out text as well"
    )
    zpaq: bool = Field(default=False, description="whether zpaq is one of them")
