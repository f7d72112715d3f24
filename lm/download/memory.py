"""How much memory the download stage will need: measured (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from lm.download.config import DownloadConfig

MIB = 2**20


def predict(config: DownloadConfig, inputs_metrics: Mapping[str, Mapping[str, Any]], budget_bytes: int) -> int:
    """What the stage will need."""
    return predict_download()


def predict_download() -> int:
    """What fetching and copying need: nothing grows with the corpus."""
    return 120 * MIB
