"""What a supervised child does for a contest of models."""

from pathlib import Path

from lm.champions.contest import Contest
from lm.store.artifacts import Store
from lm.supervision.job import job
from lm.supervision.job_context import JobContext


@job
def hold_contest(
    context: JobContext,
    root: Path,
    clean: str,
    challenger: str | None,
    champion: str | None,
    previous_champions: list[str],
) -> Contest:
    """Compare models on the held-out text of a clean artifact."""
    context.use_torch()
    from lm.champions.compare_models import compare_models

    store = Store(root)
    text = store.open(store.path("clean", clean))
    return compare_models(store, text, challenger, champion, previous_champions, context.progress)
