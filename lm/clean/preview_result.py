"""What a look at one file tells before it is cleaned. Light: the look itself is in `preview.py`."""

from lm.clean.metrics import FileReading, Opening
from lm.config import StageConfig


class FilePreview(StageConfig):
    """How a file would be read, how its first documents begin, and about how much text it holds."""

    name: str
    readings: tuple[FileReading, ...] = ()  # of the file, or of those in an archive
    skipped: tuple[str, ...] = ()  # what would not be read, each with its reason
    openings: tuple[Opening, ...] = ()
    documents: int = 0
    text_bytes: int = 0  # of the whole file, by its beginning where it is large
    largest_document_bytes: int = 0
    whole: bool = True  # all of it was looked at
