"""The contamination of a clean artifact, looked for shard by shard of its training text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lm.contamination import Contamination, Wanted, seen_runs, wanted_runs
from lm.documents import group_shards, read_documents
from lm.progress import Progress
from lm.workers import SHARD_BYTES, Crew, Job, work_through

NOTE = "looking for held-out text in the training text"


def find_overlap(clean: Path, scratch: Path, crew: Crew, progress: Progress) -> Contamination:
    """How much of the held-out text of the folder `clean` its training text has too; `scratch` is for files between."""
    wanted = wanted_runs(document.text for document in read_documents(clean, "heldout"))
    looked_for = scratch / "wanted.u64"
    wanted.hashes.tofile(looked_for)
    jobs = [
        Job(
            "find_seen_runs",
            {
                "clean": str(clean),
                "groups": groups,
                "wanted": str(looked_for),
                "bits": wanted.bits,
                "out": str(scratch / f"seen-{number}.bool"),
            },
            size,
        )
        for number, (groups, size) in enumerate(group_shards(clean, "train", SHARD_BYTES))
    ]
    work_through(jobs, crew, progress, NOTE)
    seen = np.zeros(len(wanted.hashes), np.bool_)
    for job in jobs:
        seen |= np.fromfile(job.arguments["out"], np.bool_)
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
