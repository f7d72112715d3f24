"""What each of a clean stage's workers does."""

from pathlib import Path

from lm.clean.config import CleanConfig
from lm.config import JsonObject
from lm.supervision.job import job
from lm.supervision.job_context import JobContext


@job
def clean_shards(
    context: JobContext,
    raw: Path,
    shards: list[JsonObject],
    keys: list[str],
    config: CleanConfig,
    scratch: Path,
    out: Path,
) -> None:
    """Clean a few shards into a pack."""
    from lm.clean import shard_cleaning
    from lm.clean.shards import Shard

    asked = [Shard.from_json(shard) for shard in shards]
    shard_cleaning.clean_shards(raw, asked, keys, config, scratch, out, context.progress)
