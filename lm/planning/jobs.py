"""What a supervised child does for the plan: it measures this machine, tries a training, takes a model in."""

from pathlib import Path

from lm.clean.config import CleanConfig
from lm.model.config import TrainingConfig
from lm.planning.corpus_preview import FilesLook
from lm.planning.machine import Machine
from lm.planning.trial_result import TrialResult
from lm.store.artifacts import Store
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.text.raw_sources import RawSource

MEASURED_ROW_GROUPS = 8  # of a text, a few megabytes each


@job
def measure_machine(context: JobContext) -> Machine:
    """Measure how fast this machine multiplies matrices, and how fast it trains."""
    context.use_torch()
    from lm.planning.measure_machine import measure

    return measure()


@job
def look_at_files(context: JobContext, files: list[RawSource], config: CleanConfig, seconds: float) -> FilesLook:
    """Look at the beginnings of files, for so many seconds."""
    from lm.clean.preview import preview_files
    from lm.text.unspaced import unspaced_share
    from lm.tokenizer.bytes_per_token import measure_bytes_per_token

    samples = list[str]()
    previews = tuple(preview_files(files, config, seconds, samples))
    per_token = measure_bytes_per_token(samples)
    return FilesLook(files=previews, bytes_per_token=per_token, unspaced_share=unspaced_share(samples))


@job
def measure_tokens(context: JobContext, clean: Path) -> dict[int, float]:
    """Measure what a token comes to in the training text of a clean artifact's folder."""
    from lm.text.documents import spread_texts
    from lm.tokenizer.bytes_per_token import measure_bytes_per_token

    return measure_bytes_per_token(spread_texts(clean, "train", MEASURED_ROW_GROUPS))


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
