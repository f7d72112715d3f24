"""The learning curve of a training that is not finished, as its newest checkpoint remembers it."""

from pathlib import Path
from typing import TYPE_CHECKING

from lm.errors import SlowburnError
from lm.store import read_json

if TYPE_CHECKING:
    import pandas as pd


def metrics_so_far(partial: Path) -> "pd.DataFrame | None":
    """Rows like those of `metrics.parquet` from an unfinished model's folder; None when there are none yet."""
    import pandas as pd  # deferred: it weighs 100 MiB

    for path in sorted(partial.glob("checkpoints/step-*.json"), reverse=True):
        try:
            rows = read_json(path)["facts"]["metrics"]["rows"]
        except (SlowburnError, KeyError):
            continue
        return pd.DataFrame(rows) if rows else None
    return None
