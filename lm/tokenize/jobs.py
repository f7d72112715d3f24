"""What a supervised child does for the tokenize stage."""

from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact
from lm.tokenize.config import TokenizeConfig


@job
def make_tokens(context: JobContext, work: StageWork) -> None:
    """Train a tokenizer, or take the one that is given, and encode the text."""
    from lm.tokenize.stage import tokenize

    config = TokenizeConfig.model_validate(work.config)
    reused = next(iter(work.paths("init", "tokenizer")), None)
    make_artifact(work, lambda out: tokenize(work.path("clean"), config, out, context.progress, reused=reused))
