"""What a supervised child does for the plan: it measures this machine, tries a training, takes a model in."""

from pathlib import Path

from lm.model.config import TrainingConfig
from lm.planning.machine import Machine
from lm.planning.trial_result import TrialResult
from lm.store.artifacts import Store
from lm.supervision.job import job
from lm.supervision.job_context import JobContext


@job
def measure_machine(context: JobContext) -> Machine:
    """Measure how fast this machine multiplies matrices, and how fast it trains."""
    context.use_torch()
    from lm.planning.measure_machine import measure

    return measure()


@job
def try_training(
    context: JobContext, recipe: TrainingConfig, vocab_size: int, micro_batch: int, device: str, seconds: float
) -> TrialResult:
    """Make a few real steps of a planned training."""
    context.use_torch()
    from lm.planning.probe import probe_training

    return probe_training(
        recipe, vocab_size, micro_batch=micro_batch, device=device, seconds=seconds, progress=context.progress
    )


@job
def import_model(context: JobContext, root: Path, folder: Path) -> str:
    """Take a model folder from elsewhere into the store; return its key."""
    context.use_torch()
    from lm.planning import import_model

    return import_model.import_model(Store(root), folder)
