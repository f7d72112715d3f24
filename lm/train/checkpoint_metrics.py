"""The learning curve of a training that is not finished, as its newest checkpoint remembers it."""

from pathlib import Path
from typing import TYPE_CHECKING

from lm.errors import SlowburnError
from lm.store.files import read_json

if TYPE_CHECKING:
    from lm.train.learning_curve import CurveRow  # brings pyarrow, which the process that orchestrates does without


def metrics_so_far(partial: Path) -> "list[CurveRow]":
    """Rows like those of `metrics.parquet` from an unfinished model's folder; none when there are none yet."""
    for path in sorted(partial.glob("checkpoints/step-*.json"), reverse=True):
        try:
            rows: list[CurveRow] = read_json(path)["facts"]["metrics"]["rows"]
        except (SlowburnError, KeyError, TypeError):
            continue
        return rows
    return []
