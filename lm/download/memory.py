"""How much memory the download stage will need: measured (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.download.config import DownloadConfig
from lm.store.artifacts import Artifact

MIB = 2**20


def predict(config: DownloadConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need."""
    return predict_download()


def predict_download() -> int:
    """What fetching and copying need: nothing grows with the corpus."""
    return 120 * MIB
