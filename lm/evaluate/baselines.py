"""What a model must beat: n-grams and compressors, fitted on the training text, or on a stated part of it."""

from dataclasses import dataclass
from pathlib import Path

from lm.evaluate.compressors import COMPRESSORS, conditional_bytes
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.ngram import NGram
from lm.evaluate.result import BaselineText
from lm.text.heldout import Extent, sample


@dataclass(frozen=True)
class Baselines:
    """The n-grams, what each compressor needs for a held-out byte in bits, and which text they saw."""

    ngram: NGram
    compressed: dict[str, float]
    text: BaselineText


def fit_baselines(clean: Path, train: Extent, heldout: Extent, config: EvaluateConfig) -> Baselines:
    """Fit them on the training text of a clean artifact's folder, `train` and `heldout` its two sides."""
    counted = sample(clean, "train", train, config.ngram_bytes)
    ngram, ngram_bytes = NGram.fit(counted, config.ngram_order), sum(map(len, counted))
    del counted
    before = b"".join(sample(clean, "train", train, config.compressor_bytes))
    after = b"".join(sample(clean, "heldout", heldout, config.compressor_bytes))
    return Baselines(
        ngram,
        {name: 8 * conditional_bytes(name, before, after) / len(after) for name in COMPRESSORS},
        {
            "training_bytes": train.bytes,
            "ngram_bytes": ngram_bytes,
            "compressor_bytes": len(before),
            "compressed_heldout_bytes": len(after),
            "note": "where less than all: stretches spread evenly over the text, the same every time",
        },
    )
