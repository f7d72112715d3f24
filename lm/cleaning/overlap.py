"""The contamination of a clean artifact, looked for shard by shard of its training text."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from lm.cleaning.contamination import Contamination, Wanted, seen_runs, wanted_runs
from lm.cleaning.documents import group_shards, read_documents
from lm.progress import Progress
from lm.supervision.workers import SHARD_BYTES, Crew, Job, work_through

NOTE = "looking for held-out text in the training text"


def find_overlap(clean: Path, scratch: Path, crew: Crew, progress: Progress) -> Contamination:
    """How much of the held-out text of the folder `clean` its training text has too; `scratch` is for files between."""
    wanted = wanted_runs(document.text for document in read_documents(clean, "heldout"))
    looked_for = scratch / "wanted.u64"
    wanted.hashes.tofile(looked_for)
    shards = list(group_shards(clean, "train", SHARD_BYTES))
    marked = [scratch / f"seen-{number}.bool" for number in range(len(shards))]
    found_in = {"clean": str(clean), "wanted": str(looked_for), "bits": wanted.bits}
    jobs = [
        Job("find_seen_runs", size, partial(dict, found_in, groups=groups, out=str(out)))
        for (groups, size), out in zip(shards, marked, strict=True)
    ]
    work_through(jobs, crew, progress, NOTE)
    seen = np.zeros(len(wanted.hashes), np.bool_)
    for out in marked:
        seen |= np.fromfile(out, np.bool_)
    return wanted.found(seen)


def find_seen_runs(
    clean: Path, groups: Sequence[int], looked_for: Path, bits: int, out: Path, progress: Progress
) -> None:
    """Write to `out` which of the hashes in the file `looked_for` some row groups of the training text have."""
    hashes = np.fromfile(looked_for, np.uint64)
    wanted = Wanted(hashes, np.ones(len(hashes), np.int64), bits)
    texts = (document.text for document in read_documents(clean, "train", frozenset(groups)))
    seen_runs(wanted, texts).tofile(out)
    progress(1, 1, "shards")
