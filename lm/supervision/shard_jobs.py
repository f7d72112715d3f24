"""What workers do (`workers.py`): a stage function on one shard, from paths to a file, named by what it is given."""

from pathlib import Path
from typing import Any

from lm.progress import Progress


def clean_shards(
    progress: Progress, *, raw: str, shards: list[Any], keys: list[str], config: Any, scratch: str, out: str
) -> None:
    """Clean a few shards into a pack."""
    from lm.clean.config import CleanConfig
    from lm.clean.shard_cleaning import clean_shards
    from lm.clean.shards import Shard

    asked = [Shard.from_json(shard) for shard in shards]
    clean_shards(Path(raw), asked, keys, CleanConfig.model_validate(config), Path(scratch), Path(out), progress)
