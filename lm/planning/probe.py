"""A few real steps of a planned training, in a disposable process: how long a step takes and what it needs."""

import tempfile
import time
from pathlib import Path

import numpy as np

from lm.memory.usage import own_peak_bytes
from lm.model.config import TrainingConfig
from lm.planning.trial_result import TrialResult
from lm.progress import Progress, silent
from lm.train import training as _training  # noqa: F401 its libraries weigh in a training too
from lm.train.checkpoint import save_checkpoint
from lm.train.learning_curve import MetricsLog
from lm.train.trainer import Trainer

WARM_UP_STEPS = 2  # where there is time for more than the least
MIN_TRIAL_STEPS = 2  # of which all but the first are measured


def probe_training(
    recipe: TrainingConfig, vocab_size: int, *, micro_batch: int, device: str, seconds: float, progress: Progress
) -> TrialResult:
    """Train on random tokens for so many seconds."""
    tokens = np.random.default_rng(0).integers(2, vocab_size, recipe.context * 64).astype(np.uint16)
    trainer = Trainer(recipe, vocab_size, tokens, micro_batch=micro_batch, device=device)
    step_seconds = time_steps(trainer, seconds, progress)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), 1, trainer.state(), {})
        MetricsLog(recipe).write(Path(folder) / "metrics.parquet")
        save_bytes = sum(file.stat().st_size for file in Path(folder).iterdir())
    return TrialResult(step_seconds=step_seconds, checkpoint_bytes=save_bytes, peak_memory_bytes=own_peak_bytes())


def time_steps(trainer: Trainer, seconds: float, progress: Progress = silent) -> float:
    """The seconds that a step takes, from so many seconds of steps: their lower quartile, for others may be at work.

    Where steps are so long that few fit, two are made.
    """
    durations: list[float] = []
    began = time.perf_counter()
    while len(durations) < MIN_TRIAL_STEPS or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        trainer.step()
        durations.append(time.perf_counter() - start)
        progress(min(time.perf_counter() - began, seconds), seconds, "second", "trying a few steps")
    warm = durations[min(WARM_UP_STEPS, len(durations) - MIN_TRIAL_STEPS + 1) :]
    return float(np.quantile(warm, 0.25))
