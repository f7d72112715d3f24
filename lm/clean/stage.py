"""The clean stage: raw files in, clean documents out, each on one side of the split."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lm.clean.config import VERSION, CleanConfig
from lm.clean.metrics import CleanMetrics
from lm.errors import BadInput
from lm.progress import Progress
from lm.supervision.worker_pool import SEQUENTIAL, WorkerPool

LOOKED_AT_ROW_GROUPS = 2  # of the training text, a few megabytes each


def clean(
    raw: Path,
    config: CleanConfig,
    out: Path,
    progress: Progress,
    *,
    parts_folder: Path | None = None,
    crew: WorkerPool = SEQUENTIAL,
    earlier: Sequence[Path] = (),
) -> CleanMetrics:
    """Clean the raw artifact's folder `raw` into `out`: `documents.parquet`, and `rejects.parquet` with what was left.

    What was cleaned before is taken from `parts_folder`, and what is cleaned now is kept there; without one all of it
    is cleaned. The files are the same to the byte, and whatever the crew. What the clean artifacts in the folders
    `earlier` have on the training side stays there, as far as the corpus has it still.
    Memory: the longest document or part of one a few times over, and about thirty bytes for each document.
    Raises BadInput when too little text is left on either side.
    """
    from lm.clean import split_notes  # these bring pyarrow, which readers of the config need not load
    from lm.clean.cleaned_corpus import CleanedCorpus
    from lm.clean.openings import openings
    from lm.clean.part_making import make_parts
    from lm.clean.rejects import FILE_NAME as REJECTS_FILE
    from lm.clean.rejects import RejectWriter
    from lm.clean.repeats import Repeats
    from lm.clean.split_corpus import split_corpus
    from lm.clean.split_writing import SplitWriter
    from lm.clean.trained_before import trained_before
    from lm.text.documents import spread_texts
    from lm.text.raw_sources import read_sources
    from lm.text.unspaced import unspaced_share

    with TemporaryDirectory(dir=out, prefix=".scratch-") as folder, RejectWriter(out / REJECTS_FILE) as rejects:
        scratch, sources = Path(folder), read_sources(raw)
        kept = parts_folder or scratch / "parts"
        parts, cleaned_sources, damaged = make_parts(raw, sources, config, VERSION, kept, scratch, progress, crew)
        corpus = CleanedCorpus(parts, config, scratch, rejects, progress)
        first = corpus.first_of_equals()
        if not first.any():
            raise BadInput(f"there is no text in this corpus ({corpus.describe_drops()}): {rejects.advice()}")
        repeats = Repeats.of(first, corpus.labels(first), drop=config.near_duplicates == "drop")
        split = split_corpus(corpus, repeats, trained_before(corpus, earlier), config)
        written, overlap = SplitWriter(corpus, repeats, split, rejects).write(out)
        filtered = rejects.told_filtered()
        return CleanMetrics(
            **written._asdict(),
            **corpus.metrics(),
            dropped_duplicates=repeats.duplicates,
            near_duplicate_clusters=repeats.clusters,
            near_duplicate_documents=repeats.near_duplicates,
            dropped_near_duplicates=repeats.near_duplicates if repeats.dropped else 0,
            openings=openings(out),
            unspaced_share=unspaced_share(spread_texts(out, "train", LOOKED_AT_ROW_GROUPS)),
            cleaned_sources=cleaned_sources,
            rejected=dict(sorted(rejects.counts.items())),
            reject_samples=rejects.samples,
            contamination=overlap._asdict() | {"share": round(overlap.share, 6)},
            split=split.how,
            cut_documents=split.cut,
            summary=split_notes.summary(split),
            warnings=[*corpus.warnings(), *filtered],
            notes=[
                *_told_parts(cleaned_sources, len(sources), damaged),
                *corpus.warnings(),
                *corpus.notes(),
                *repeats.notes(),
                *filtered,
                *split_notes.notes(split, written, config),
                split_notes.told_overlap(overlap),
            ],
        )


def _told_parts(cleaned: int, sources: int, damaged: int) -> list[str]:
    told = []
    if damaged:
        files = "1 damaged file in data/parts was" if damaged == 1 else f"{damaged:,} damaged files in data/parts were"
        told.append(f"{files} made again")
    if cleaned < sources:
        told.append(f"{cleaned:,} of {sources:,} sources were cleaned, the others had been before")
    return told
