"""What can be asked of the download stage."""

from pydantic import Field, SerializationInfo, field_serializer

from lm.config import StageConfig
from lm.text.addresses import without_secrets

VERSION = 2


class DownloadConfig(StageConfig):
    """What to train on, and how far to go to get it."""

    corpus: tuple[str, ...] = Field(
        ("python-docs",), description="catalogue names, paths or addresses; several make one corpus"
    )
    max_bytes: int = Field(4 * 2**30, gt=0, description="bytes to fetch from one address, at most")
    deadline_seconds: float = Field(3600.0, gt=0, description="seconds to fetch from all addresses together, at most")
    retries: int = Field(4, ge=0, description="retries in a row that bring no new bytes")
    web_pages: bool = Field(False, description="take web pages from addresses that do not end in .html or / too")
    licence: str | None = Field(None, min_length=1, description="licence of the texts whose source states none")
    accept_changed: bool = Field(
        False, description="accept a source whose content differs from its pin, and pin the new content"
    )

    @field_serializer("corpus")
    def _without_secrets(self, corpus: tuple[str, ...], info: SerializationInfo) -> list[str]:
        """Show addresses without users, passwords and queries; whole only on the way to the process that fetches."""
        whole = bool(info.context and info.context.get("secrets"))
        return [word if whole else without_secrets(word) for word in corpus]
