"""Writes the documents of a split, and looks for held-out text in the training text."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from lm.arrow.arrays import take_rows
from lm.clean.cleaned_corpus import CleanedCorpus
from lm.clean.contamination import Contamination, contamination, sampled_contamination, sampled_runs
from lm.clean.document_writer import Sided, WrittenDocuments, cut_in_two, write_documents
from lm.clean.rejects import RejectWriter
from lm.clean.repeats import Repeats
from lm.clean.split_corpus import CorpusSplit
from lm.clean.splitting import Integers
from lm.memory.malloc import trim_malloc
from lm.text.documents import read_texts
from lm.text.shingles import Hashes, hash_words

EXACT_BYTES = 32_000_000  # of training text, up to which all of its runs of words are looked at


class SplitWriter:
    """Writes each document on its side, a cut one on both."""

    def __init__(self, corpus: CleanedCorpus, repeats: Repeats, split: CorpusSplit, rejects: RejectWriter) -> None:
        self._corpus, self._repeats, self._split, self._rejects = corpus, repeats, split, rejects
        training_bytes = np.dot(corpus.sizes, split.heads / np.maximum(corpus.characters, 1))
        self._sampled = training_bytes > EXACT_BYTES
        self._cut_runs: list[Hashes] = []  # the sample of those in the training parts of documents that were cut

    def write(self, out: Path) -> tuple[WrittenDocuments, Contamination]:
        """Write the documents into a folder; return what was written, and how much held-out text trains too."""
        written = write_documents(self._sided(), out)
        trim_malloc()
        heldout = read_texts(out, "heldout")
        if not self._sampled:
            return written, contamination(read_texts(out, "train"), heldout)
        trains = self._split.keep & (self._split.heads == self._corpus.characters)
        return written, sampled_contamination(chain(self._corpus.sampled_runs(trains), self._cut_runs), heldout)

    def _sided(self) -> Iterator[Sided]:
        first = 0
        for table in self._corpus.tables():
            numbers = np.arange(first, first + len(table))
            first += len(table)
            keep = self._split.keep[numbers]
            self._reject_repeats(table, np.flatnonzero(~keep).tolist(), numbers)
            table, kept = take_rows(table, np.flatnonzero(keep).tolist()), numbers[keep]
            yield self._cut(table, self._split.heads[kept], self._corpus.characters[kept].astype(np.int64))
            del table  # before the next is read

    def _cut(self, table: pa.Table, heads: Integers, characters: Integers) -> Sided:
        """The rows of a table, two of each document that is cut, and which of them are held out."""
        cut = np.flatnonzero((heads > 0) & (heads < characters))
        heldout = np.repeat(heads == 0, np.where((heads > 0) & (heads < characters), 2, 1))
        for row in cut[::-1].tolist():
            table, trains = cut_in_two(table, row, int(heads[row]))
            if self._sampled:
                self._cut_runs.append(sampled_runs(hash_words([trains])).hashes)
            del trains
        heldout[cut + 1 + np.arange(len(cut))] = True
        return table, heldout

    def _reject_repeats(self, table: pa.Table, rows: Sequence[int], numbers: Integers) -> None:
        for row in rows:
            (document,) = table.slice(row, 1).to_pylist()
            reason = (
                "repeats another" if self._repeats.labels[numbers[row]] == numbers[row] else "nearly repeats another"
            )
            size = len(document["text"].encode())
            self._rejects.write(
                document["source"], document["title"], reason, document["document_id"], document["text"], size
            )
