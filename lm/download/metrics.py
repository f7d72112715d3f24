"""What the download stage says of the raw files."""

from lm.config import StageMetrics


class DownloadMetrics(StageMetrics):
    """Number and size of the raw files."""

    files: int
    bytes: int
    largest_document_bytes: int
    licences: tuple[str, ...] = ()
