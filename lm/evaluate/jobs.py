"""What a supervised child does for the evaluate stage."""

from lm.evaluate.config import EvaluateConfig
from lm.store.layout import REPLICAS
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact


@job
def make_evaluation(context: JobContext, work: StageWork) -> None:
    """Measure a model, or an ensemble, on the held-out text."""
    context.use_torch()
    from lm.evaluate.stage import evaluate

    config = EvaluateConfig.model_validate(work.config)
    model, *others = work.paths("train", *REPLICAS)
    text = work.path("tokenize"), work.path("clean"), work.path("compressors")
    make_artifact(work, lambda out: evaluate(model, *text, config, out, context.progress, replicas=others))
