"""Which parts of a corpus are kept from before, and the making of those that are missing, on all cores."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lm.clean.decoding import chosen_encoding
from lm.clean.pack_file import is_whole
from lm.clean.part_counts import PartCounts
from lm.clean.parts import Part, find_parts, pack_key, part_key, sweep, touch
from lm.clean.readers.input_file import ReadingSettings
from lm.clean.shard_jobs import Pack, clean_shards
from lm.clean.shards import Shard, shards_of
from lm.config import JsonObject
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
    """The parts of a corpus in its order, how many of its sources had to be cleaned for them, and damaged packs."""

    parts: list[Part]
    cleaned_sources: int
    damaged_packs: int


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
    settings: JsonObject = config.model_dump(mode="json", include=set(SETTINGS))
    settings["sketched"] = config.near_duplicates != "ignore"
    reading = ReadingSettings.of(config)
    shards = [shard for source in sources for shard in shards_of(raw, source, reading)]
    keys = [part_key(shard, _settings_for(shard.source, settings, config, raw), version) for shard in shards]
    known = find_parts(folder)
    damaged = _damaged(known[key].path for key in keys if key in known)
    known = {key: part for key, part in known.items() if part.path not in damaged}
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
    return Made(parts, len({shard.source.path for shard in missing.values()}), len(damaged))


def _damaged(packs: Iterable[Path]) -> set[Path]:
    """Which of the packs that a corpus would use are damaged: they are removed, to be made again."""
    damaged = {path for path in set(packs) if not is_whole(path)}
    for path in damaged:
        path.unlink(missing_ok=True)
    return damaged


def _settings_for(source: RawSource, settings: JsonObject, config: "CleanConfig", raw: Path) -> JsonObject:
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


def _job(raw: Path, pack: dict[str, Shard], config: "CleanConfig", folder: Path, scratch: Path) -> ShardJob[Pack]:
    out = folder / f"{pack_key(list(pack))}.parquet"
    return ShardJob(clean_shards, sum(shard.bytes for shard in pack.values()), Pack(raw, pack, config, scratch, out))
