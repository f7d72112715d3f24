"""Which parts of a corpus are kept from before, and the making of those that are missing, on all cores."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lm.clean.decoding import chosen_encoding
from lm.clean.parts import Part, PartCounts, find_parts, pack_key, part_key, sweep, touch
from lm.clean.readers.input_file import ReadingSettings
from lm.clean.shard_jobs import clean_shards
from lm.clean.shards import Shard, shards_of
from lm.progress import Progress
from lm.supervision.worker_pool import SEQUENTIAL, SHARD_BYTES, ShardJob, WorkerPool, run_jobs
from lm.text.archives import Expansion
from lm.text.file_kind import ARCHIVES, COMPRESSED, HEAD_BYTES, file_kind
from lm.text.raw_sources import RawSource

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig

PACK_SHARDS = 4096
# The settings that look at one document at a time; the others decide what becomes of all of them together.
SETTINGS = ("text_columns", "separator", "encoding", "repair_encoding", "join_hyphenated", "minimum_words",
            "maximum_symbols", "maximum_repeated", "languages")  # fmt: skip


class Made(NamedTuple):
    """The parts of a corpus in its order, and how many of its sources had to be cleaned for them."""

    parts: list[Part]
    cleaned_sources: int


def make_parts(
    raw: Path,
    sources: Sequence[RawSource],
    config: "CleanConfig",
    version: int,
    folder: Path,
    scratch: Path,
    progress: Progress,
    crew: WorkerPool = SEQUENTIAL,
) -> Made:
    """Clean what is missing of a corpus into packs in `folder`, and return all its parts, in the order of its sources.

    Archives expand into `scratch`. The parts are the same whoever makes them, and whichever were there before.
    Raises BadInput where the archives of all of it together expand to more than they may.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    settings: dict[str, Any] = config.model_dump(mode="json", include=set(SETTINGS))
    settings["sketched"] = config.near_duplicates != "ignore"
    reading = ReadingSettings.of(config)
    shards = [shard for source in sources for shard in shards_of(raw, source, reading)]
    keys = [part_key(shard, _settings_for(shard.source, settings, config, raw), version) for shard in shards]
    known = find_parts(folder)
    missing = {key: shard for key, shard in zip(keys, shards, strict=True) if key not in known}
    jobs = [_job(raw, pack, config, folder, scratch) for pack in _packs(missing)]
    run_jobs(jobs, crew, progress)
    if jobs:
        known = find_parts(folder)
    parts = [known[key] for key in keys]
    touch(parts)
    expansion = Expansion(config.max_expanded_bytes)
    expansion.bytes = sum(PartCounts.from_json(part.counts).expanded_bytes for part in parts)
    expansion.check()
    return Made(parts, len({shard.source.path for shard in missing.values()}))


def _settings_for(source: RawSource, settings: dict[str, Any], config: "CleanConfig", raw: Path) -> dict[str, Any]:
    """The settings that matter to a source: of an encoding that is stated by name, the one that is its."""
    if not any("=" in stated for stated in config.encoding) or _is_packed(raw / source.path):
        return settings
    chosen = chosen_encoding(config.encoding, source.name)
    return settings | {"encoding": [chosen] if chosen else []}


def _is_packed(path: Path) -> bool:
    """Whether a file holds others, with names of their own."""
    with path.open("rb") as stream:
        return file_kind(stream.read(HEAD_BYTES)) in COMPRESSED | ARCHIVES


def _packs(missing: dict[str, Shard]) -> Iterator[dict[str, Shard]]:
    """Neighbouring shards until they have about SHARD_BYTES together: tiny files do not have a pack each."""
    pack, size = dict[str, Shard](), 0
    for key, shard in missing.items():
        if pack and (size + shard.bytes > SHARD_BYTES or len(pack) == PACK_SHARDS):
            yield pack
            pack, size = {}, 0
        pack[key] = shard
        size += shard.bytes
    if pack:
        yield pack


def _job(raw: Path, pack: dict[str, Shard], config: "CleanConfig", folder: Path, scratch: Path) -> ShardJob:
    def arguments() -> dict[str, Any]:
        return {
            "raw": raw,
            "shards": [shard.as_json() for shard in pack.values()],
            "keys": list(pack),
            "config": config,
            "scratch": scratch,
            "out": folder / f"{pack_key(list(pack))}.parquet",
        }

    return ShardJob(clean_shards, sum(shard.bytes for shard in pack.values()), arguments)
