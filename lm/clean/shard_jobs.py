"""What each of a clean stage's workers does."""

from pathlib import Path
from typing import NamedTuple

from lm.clean.config import CleanConfig
from lm.clean.shards import Shard
from lm.supervision.job import job
from lm.supervision.job_context import JobContext


class Pack(NamedTuple):
    """Shards that are cleaned into one file, by the keys of their parts."""

    raw: Path  # the folder of the raw artifact
    shards: dict[str, Shard]
    config: CleanConfig
    scratch: Path  # the folder that archives expand into
    out: Path


@job
def clean_shards(context: JobContext, pack: Pack) -> None:
    """Clean a few shards into a pack."""
    from lm.clean import shard_cleaning

    shards, keys = list(pack.shards.values()), list(pack.shards)
    shard_cleaning.clean_shards(pack.raw, shards, keys, pack.config, pack.scratch, pack.out, context.progress)
