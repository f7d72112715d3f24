"""The clean stage: raw files in, clean documents out, each on one side of the split."""

from collections.abc import Callable, Iterator
from itertools import chain
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lm.clean.config import CleanConfig
from lm.errors import BadInput
from lm.formatting import format_text_size
from lm.memory.malloc import trim_malloc
from lm.progress import Progress
from lm.supervision.worker_pool import SEQUENTIAL, WorkerPool
from lm.text.plain_text import visible

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from lm.clean.cleaned_corpus import CleanedCorpus
    from lm.clean.contamination import Contamination
    from lm.clean.document_writer import Sided
    from lm.clean.near_duplicates import Labels
    from lm.clean.rejects import RejectWriter

VERSION = 6

# With less held-out text than this a model cannot be told from a baseline: a byte's loss has a standard deviation of
# some 2.5 bits, so 500 bytes give bits per byte to ±0.2. Less training text than this has fewer different words than
# the smallest vocabulary has pieces.
MINIMUM_CHARACTERS = {"train": 2_000, "heldout": 500}
EXACT_BYTES = 32_000_000  # of training text, up to which all of its runs of words are looked at
REASONS = ("too few words", "mostly symbols", "repeats itself", "another language")  # as `filters.py` gives them
HARD_SPLITS = {"document": "a split by document", "source": "a split by source"}


def clean(
    raw: Path,
    config: CleanConfig,
    out: Path,
    progress: Progress,
    *,
    parts_folder: Path | None = None,
    crew: WorkerPool = SEQUENTIAL,
) -> dict[str, Any]:
    """Clean the raw artifact's folder `raw` into `out`: `documents.parquet`, and `rejects.parquet` with what was left.

    What was cleaned before is taken from `parts_folder`, and what is cleaned now is kept there; without one all of it
    is cleaned. The files are the same to the byte, and whatever the crew.
    Memory: the longest document or part of one a few times over, and about twenty bytes for each document.
    Raises BadInput when too little text is left on either side.
    """
    from lm.clean.cleaned_corpus import CleanedCorpus  # these bring pyarrow, which readers of the config need not load
    from lm.clean.part_making import make_parts
    from lm.clean.rejects import FILE_NAME as REJECTS_FILE
    from lm.clean.rejects import RejectWriter
    from lm.text.raw_sources import read_sources

    with TemporaryDirectory(dir=out, prefix=".scratch-") as folder, RejectWriter(out / REJECTS_FILE) as rejects:
        scratch, sources = Path(folder), read_sources(raw)
        kept = parts_folder or scratch / "parts"
        parts, cleaned_sources = make_parts(raw, sources, config, VERSION, kept, scratch, progress, crew)
        corpus = CleanedCorpus(parts, config, scratch, rejects, progress)
        keep = corpus.first_of_equals()
        if not keep.any():
            raise BadInput(f"there is no text in this corpus ({corpus.describe_drops()}): give it some")
        splitting = _Splitting(corpus, config, rejects, keep, corpus.labels(keep))
        written, split, notes = splitting.write(out)
        if _too_small(written):
            raise BadInput(_too_little(written, config.heldout_fraction))
        overlap = splitting.overlap(out)
        return {
            **written,
            **corpus.metrics(),
            **splitting.metrics(),
            "cleaned_sources": cleaned_sources,
            "rejected": dict(sorted(rejects.counts.items())),
            "reject_samples": rejects.samples,
            "contamination": overlap._asdict() | {"share": round(overlap.share, 6)},
            "split": split,
            "summary": _summary(written, split),
            "warnings": [*corpus.warnings(), *splitting.warnings()],
            "notes": [
                *_told_parts(cleaned_sources, len(sources)),
                *corpus.warnings(),
                *corpus.notes(),
                *splitting.notes(),
                *splitting.warnings(),
                *notes,
                _told_overlap(overlap),
            ],
        }


def _told_parts(cleaned: int, sources: int) -> list[str]:
    if cleaned == sources:
        return []
    return [f"{cleaned:,} of {sources:,} sources were cleaned, the others had been before"]


class _Splitting:
    """Knows all documents, decides on which side each goes, and writes them."""

    def __init__(
        self,
        corpus: "CleanedCorpus",
        config: CleanConfig,
        rejects: "RejectWriter",
        keep: "npt.NDArray[np.bool_]",
        labels: "Labels",
    ) -> None:
        import numpy as np  # deferred like all that is heavy

        alone = labels == np.arange(len(labels))
        self.corpus, self.config, self.rejects, self.keep, self.labels = corpus, config, rejects, keep, labels
        self.duplicates = int((~keep).sum())
        self.near_duplicates = int((keep & ~alone).sum())
        self.clusters = len(np.unique(labels[keep & ~alone]))
        if config.near_duplicates == "drop":
            self.keep = keep & alone
        self._trains = np.zeros(len(keep), np.bool_)  # documents, whole
        self._cut = b""  # what trains of one that was cut

    def write(self, out: Path) -> tuple[dict[str, Any], str, list[str]]:
        """Write the documents; return what was written, how it was split, and what to tell of that."""
        asked, documents = self.config.split, self.corpus.whole_documents(self.keep)
        if asked == "contiguous" or (asked == "auto" and documents < 2):
            written = self._write_contiguously(out, self.rejects.write)
            return written, "contiguous", _told_share(written, self.config)
        heldout = self._heldout()
        if heldout is None and asked in HARD_SPLITS:
            raise BadInput(
                f"{HARD_SPLITS[asked]} needs two that do not resemble each other and the corpus has one: leave "
                "clean.split at auto"
            )
        if heldout is not None:
            written = self._write_by_unit(out, heldout)
            split = "document" if asked == "auto" else asked
            if asked != "auto" or not _too_small(written):
                return written, split, _told_share(written, self.config)
        why = "too little text on one side of a split by document" if heldout is not None else "all documents are alike"
        told = f"{why}: the end of the whole text is held out instead"
        reject = self.rejects.write if heldout is None else _told_already
        written = self._write_contiguously(out, reject)
        return written, "contiguous", [told, *_told_share(written, self.config)]

    def _heldout(self) -> "npt.NDArray[np.bool_] | None":
        """Mark the documents that are held out; None where all are one unit."""
        import numpy as np

        from lm.clean.near_duplicates import merge
        from lm.clean.splitting import first_units_within, heldout_units, unit_positions

        hashes, labels = self.corpus.ids, self.labels
        if self.config.split == "source":
            hashes, labels = self.corpus.source_keys, labels.copy()
            _, first, numbers = np.unique(hashes, return_index=True, return_inverse=True)
            merge(labels, np.arange(len(hashes)), first[numbers])
        positions = unit_positions(hashes, labels, self.config.seed)
        kept, sizes = positions[self.keep], self.corpus.sizes[self.keep]
        try:
            heldout = heldout_units(kept, self.config.heldout_fraction)
        except ValueError:
            return None
        heldout = first_units_within(heldout, kept, sizes, self.config.heldout_bytes)
        marked = np.zeros(len(positions), np.bool_)
        marked[self.keep] = heldout
        return marked

    def _kept(self, reject: Callable[..., None]) -> Iterator[tuple["npt.NDArray[np.integer]", "pa.Table"]]:
        """Tables of the documents that are kept, with their numbers; the others are written down by `reject`."""
        import numpy as np

        from lm.arrow.arrays import take_rows

        first = 0
        for table in self.corpus.tables():
            numbers = np.arange(first, first + len(table))
            first += len(table)
            for number in numbers[~self.keep[numbers]].tolist():
                (document,) = table.slice(number - numbers[0], 1).to_pylist()
                reason = "nearly repeats another" if self.labels[number] != number else "repeats another"
                text = document["text"]
                reject(document["source"], document["title"], reason, document["document_id"], text, len(text.encode()))
            table = take_rows(table, np.flatnonzero(self.keep[numbers]).tolist())
            yield numbers[self.keep[numbers]], table
            del table  # before the next is read

    def overlap(self, out: Path) -> "Contamination":
        """How much of the held-out text that was written to `out` the training text has too."""
        from lm.clean.contamination import contamination, sampled_contamination, sampled_runs
        from lm.text.documents import read_texts
        from lm.text.shingles import hash_words

        trim_malloc()
        heldout = read_texts(out, "heldout")
        if self.corpus.sizes[self._trains].sum() + len(self._cut) <= EXACT_BYTES:
            return contamination(read_texts(out, "train"), heldout)
        cut = sampled_runs(hash_words([self._cut])).hashes
        return sampled_contamination(chain(self.corpus.sampled_runs(self._trains), [cut]), heldout)

    def _write_by_unit(self, out: Path, heldout: "npt.NDArray[np.bool_]") -> dict[str, Any]:
        from lm.clean.document_writer import write_documents

        self._trains, self._cut = self.keep & ~heldout, b""
        return write_documents(((table, heldout[numbers]) for numbers, table in self._kept(self.rejects.write)), out)

    def _write_contiguously(self, out: Path, reject: Callable[..., None]) -> dict[str, Any]:
        from lm.clean.document_writer import count_characters, write_documents

        characters = sum(sum(count_characters(table)) for _, table in self._kept(_told_already))
        share = min(self.config.heldout_fraction, self.config.heldout_bytes / int(self.corpus.sizes[self.keep].sum()))
        return write_documents(self._contiguous(int((1 - share) * characters), reject), out)

    def _contiguous(self, training_characters: int, reject: Callable[..., None]) -> Iterator["Sided"]:
        import numpy as np

        from lm.clean.document_writer import count_characters, cut_in_two
        from lm.clean.splitting import place_of_cut

        self._trains[:], self._cut = False, b""
        left = training_characters
        for numbers, table in self._kept(reject):
            characters = count_characters(table)
            row, head = place_of_cut(characters, left)
            left -= sum(characters[:row]) + head
            self._trains[numbers[:row]] = True
            if head:
                table, self._cut = cut_in_two(table, row, head)
                row += 1
            yield table, np.arange(len(table)) >= row

    def metrics(self) -> dict[str, Any]:
        """How many documents repeat others, and how many nearly do."""
        dropped = self.near_duplicates if self.config.near_duplicates == "drop" else 0
        return {
            "dropped_duplicates": self.duplicates,
            "near_duplicate_clusters": self.clusters,
            "near_duplicate_documents": self.near_duplicates,
            "dropped_near_duplicates": dropped,
        }

    def notes(self) -> list[str]:
        """The same in sentences."""
        became = (
            "were dropped" if self.config.near_duplicates == "drop" else "stay on the side of the one they resemble"
        )
        told = {
            f"{self.duplicates:,} documents were dropped that repeat another": self.duplicates,
            f"{self.near_duplicates:,} documents nearly repeat another and {became}": self.near_duplicates,
        }
        return [sentence for sentence, count in told.items() if count]

    def warnings(self) -> list[str]:
        """What the quality filters dropped."""
        told = []
        for reason in REASONS:
            if count := self.rejects.counts[reason]:
                opening = " ".join(visible(self.rejects.samples[reason][0]["opening"]).split())[:60]
                told.append(f"{count:,} documents were dropped ({reason}), such as “{opening}”: see rejects.parquet")
        return told


def _told_already(*_: object) -> None:
    """What is not kept was written down before."""


def _told_overlap(overlap: "Contamination") -> str:
    sample = f" (a sample of {overlap.sampled:.1%})" if overlap.sampled < 1 else ""
    return (
        f"{overlap.share:.2%} of the held-out runs of 13 words{sample} stand in the training text too: "
        f"{overlap.found:,} of {overlap.runs:,}"
    )


def _too_small(written: dict[str, Any]) -> bool:
    return any(written[f"{split}_characters"] < minimum for split, minimum in MINIMUM_CHARACTERS.items())


def _too_little(written: dict[str, Any], heldout_fraction: float) -> str:
    train, heldout = (written[f"{split}_characters"] for split in ("train", "heldout"))
    least_train, least_heldout = MINIMUM_CHARACTERS["train"], MINIMUM_CHARACTERS["heldout"]
    needed = ceil(max(least_train / (1 - heldout_fraction), least_heldout / heldout_fraction))
    advice = "add text" if train + heldout < needed else "leave clean.split at auto or add documents"
    return (
        f"too little text: {train + heldout:,} characters once clean, {train:,} to train on and {heldout:,} held out; "
        f"at least {needed:,} are needed, {least_train:,} to train on and {least_heldout:,} held out: {advice}"
    )


def _summary(written: dict[str, Any], split: str) -> str:
    heldout = written["heldout_characters"]
    total = written["train_characters"] + heldout
    how = "the end of the text" if split == "contiguous" else f"by {split}"
    return f"{total:,} characters, {heldout / total:.1%} of them held out ({how})"


def _told_share(written: dict[str, Any], config: CleanConfig) -> list[str]:
    """What the user did not ask for and should know."""
    heldout = written["heldout_characters"]
    share = heldout / (written["train_characters"] + heldout)
    text_bytes = written["train_bytes"] + written["heldout_bytes"]
    if config.heldout_fraction * text_bytes > config.heldout_bytes:
        size = format_text_size(written["heldout_bytes"])
        return [f"{size} are held out, {share:.1%} of the text: enough to measure with (clean.heldout_bytes)"]
    if config.heldout_fraction / 3 < share < config.heldout_fraction * 3:
        return []
    asked = f"{config.heldout_fraction:.0%} was asked for, but documents are kept whole and there are few of them"
    return [f"{share:.1%} of the text is held out: {asked}"]
