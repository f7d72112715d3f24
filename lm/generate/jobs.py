"""What a supervised child does for the generate stage."""

from lm.generate.config import GenerateConfig
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact


@job
def make_samples(context: JobContext, work: StageWork) -> None:
    """Have a model write."""
    from lm.generate.stage import generate

    config = GenerateConfig.model_validate(work.config)
    model, text = work.path("train"), work.path("clean")
    make_artifact(work, lambda out: generate(model, text, config, out, context.progress))
