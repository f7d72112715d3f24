"""How much memory the clean stage will need, and how many workers that allows (docs/experiments/memory.md)."""

from collections.abc import Mapping

from lm.clean.config import CleanConfig
from lm.download.metrics import DownloadMetrics
from lm.hardware.cores import chosen_cores
from lm.memory.budget import SOFT_SHARE, required_budget
from lm.store.artifacts import Artifact
from lm.supervision.worker_pool import SEQUENTIAL, SHARD_BYTES, WorkerPool

MIB = 2**20
MAX_PART_BYTES = 24 * MIB  # of what `reading.py` takes as one document, where each character has three
COMPARED_BYTES = 5 * MIB
WORKER_BYTES = 90 * MIB  # a process that cleans, with its libraries


def predict(config: CleanConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What the stage will need; a larger budget lets more cores work."""
    raw = inputs["download"].read_metrics(DownloadMetrics)
    sizes = raw.bytes, raw.largest_document_bytes
    return predict_cleaning(*sizes, cleaning_pool(*sizes, budget_bytes).workers)


def predict_cleaning(text_bytes: int, largest_document_bytes: int, workers: int = 1) -> int:
    """Documents are compared a few megabytes at once, or one long one by itself, or a part of a longer one.

    Text of Chinese or Japanese, a word a character, takes 14 bytes a byte; English takes 9. Workers clean documents
    while this process waits.
    """
    documents = max(8 * min(text_bytes, COMPARED_BYTES), 14 * min(largest_document_bytes, MAX_PART_BYTES))
    return 130 * MIB + documents + (workers * (WORKER_BYTES + documents) if workers > 1 else 0)


def cleaning_pool(text_bytes: int, largest_document_bytes: int, budget_bytes: int) -> WorkerPool:
    """As many workers as there are cores and shards, and as fit the budget."""
    alone = predict_cleaning(text_bytes, largest_document_bytes)
    each = (predict_cleaning(text_bytes, largest_document_bytes, 2) - alone) // 2
    return _pool(alone, each, text_bytes // SHARD_BYTES, budget_bytes)


def _pool(alone_bytes: int, worker_bytes: int, shards: int, budget_bytes: int) -> WorkerPool:
    room = int(SOFT_SHARE * budget_bytes) - alone_bytes
    workers = min(chosen_cores(), shards, room // required_budget(worker_bytes))
    return WorkerPool(workers, room // workers) if workers > 1 else SEQUENTIAL
