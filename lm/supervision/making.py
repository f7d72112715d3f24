"""Making an artifact: a stage's function fills a folder, and the folder becomes the artifact."""

import time
from collections.abc import Callable
from pathlib import Path

from lm.config import StageMetrics
from lm.memory.usage import own_peak_bytes
from lm.store.versions import versions
from lm.store.work import StageWork


def make_artifact(work: StageWork, fill: Callable[[Path], StageMetrics]) -> None:
    """Make the artifact of a stage, unless another process made it in the meantime.

    `fill` writes into the folder that it is given, and returns the metrics.
    """
    store = work.store
    with store.writing(work.stage, work.key) as out:
        if store.find(work.stage, work.key):
            return
        started = time.monotonic()
        work.check_inputs()
        metrics = fill(out)
        store.commit(
            work.stage,
            work.key,
            config=work.config,
            inputs=work.inputs,
            metrics=metrics,
            seconds=time.monotonic() - started,
            peak_memory_bytes=own_peak_bytes(),
            versions=versions(),
        )
