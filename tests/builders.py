"""What tests make again and again: complete metrics of each stage, with what matters to a test changed."""

from typing import Any

METRICS: dict[str, dict[str, Any]] = {
    "download": {"files": 1, "bytes": 2_000_000, "largest_document_bytes": 2_000_000},
    "clean": {
        "train_documents": 90, "train_bytes": 1_800_000, "train_characters": 1_800_000,
        "heldout_documents": 10, "heldout_bytes": 200_000, "heldout_characters": 200_000,
        "longest_document_bytes": 30_000, "split": "document",
    },
    "tokenize": {
        "kind": "bpe", "vocab_size": 1024, "train_tokens": 720_000, "heldout_tokens": 80_000,
        "train_documents": 90, "heldout_documents": 10, "train_bytes": 1_800_000, "heldout_bytes": 200_000,
        "train_bytes_per_token": 2.5, "heldout_bytes_per_token": 2.5,
    },
    "train": {
        "steps": 500, "resumed_from_step": None, "parameters": 100_000, "vocab_size": 1024,
        "weights_sha256": "ab" * 32,
    },
    "compressors": {
        "bits_per_byte": {"PPMd (static)": 2.2, "PPMd (adaptive)": 2.1}, "training_bytes": 900, "heldout_bytes": 100,
    },
    "evaluate": {
        "bits_per_byte": 2.0, "ci95": [1.9, 2.1], "nats_per_byte": 1.386, "perplexity_per_token": 32.0,
        "bytes": 200_000, "tokens": 80_000, "verdict": "beats the 5-gram by 0.100 bits per byte",
        "baselines": {"5-gram": 2.1}, "degeneracy": "healthy",
    },
    "generate": {
        "samples": 2, "tokens": 64, "tokens_per_second": 900.0, "longest_match_characters": 21,
        "degeneracy": {"texts": 2, "characters": 120.0, "score": 0.0, "verdict": "healthy"},
    },
}  # fmt: skip


def metrics_of(stage: str, **changes: Any) -> dict[str, Any]:
    """Metrics as a manifest of this stage holds them."""
    return METRICS[stage] | changes
