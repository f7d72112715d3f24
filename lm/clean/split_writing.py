"""Writes the documents of a split, and looks for held-out text in the training text."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lm.arrow.arrays import take_rows
from lm.clean.cleaned_corpus import CleanedCorpus
from lm.clean.contamination import Contamination, contamination, sampled_contamination, sampled_runs
from lm.clean.document_writer import Sided, cut_in_two, write_documents
from lm.clean.rejects import RejectWriter
from lm.clean.repeats import Repeats
from lm.clean.split_corpus import CorpusSplit
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

    def write(self, out: Path) -> tuple[dict[str, Any], Contamination]:
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
            self._reject_repeats(table, numbers)
            kept = numbers[self._split.keep[numbers]]
            table = take_rows(table, (kept - numbers[0]).tolist())
            yield self._cut(table, self._split.heads[kept], self._corpus.characters[kept])
            del table  # before the next is read

    def _cut(self, table: pa.Table, heads: np.ndarray[Any, Any], characters: np.ndarray[Any, Any]) -> Sided:
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

    def _reject_repeats(self, table: pa.Table, numbers: np.ndarray[Any, Any]) -> None:
        for number in numbers[~self._split.keep[numbers]].tolist():
            (document,) = table.slice(number - numbers[0], 1).to_pylist()
            reason = "nearly repeats another" if self._repeats.labels[number] != number else "repeats another"
            self._rejects.write(
                document["source"],
                document["title"],
                reason,
                document["document_id"],
                document["text"],
                len(document["text"].encode()),
            )
