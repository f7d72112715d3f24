"""What a supervised child does for the clean stage."""

from lm.clean.config import CleanConfig
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact


@job
def make_documents(context: JobContext, work: StageWork) -> None:
    """Clean and split the raw text of a corpus."""
    from lm.clean.memory import cleaning_pool
    from lm.clean.stage import clean
    from lm.download.metrics import DownloadMetrics

    raw = work.path("download")
    sizes = work.store.open(raw).read_metrics(DownloadMetrics)
    pool = cleaning_pool(sizes.bytes, sizes.largest_document_bytes, context.budget_bytes)
    config, parts = CleanConfig.model_validate(work.config), work.store.parts
    earlier = work.paths("earlier")
    make_artifact(
        work, lambda out: clean(raw, config, out, context.progress, parts_folder=parts, crew=pool, earlier=earlier)
    )
