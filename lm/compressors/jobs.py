"""What a supervised child does for the compressors stage."""

from lm.compressors.config import CompressorsConfig
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact


@job
def make_compressors(context: JobContext, work: StageWork) -> None:
    """Measure what the held-out text costs the compressors."""
    from lm.compressors.stage import compress

    config, clean = CompressorsConfig.model_validate(work.config), work.path("clean")
    make_artifact(work, lambda out: compress(clean, config, out, context.progress))
