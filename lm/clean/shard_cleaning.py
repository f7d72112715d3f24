"""Cleaning a few shards: every document read, cleaned, judged, sketched, and written to a pack. It knows no others."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from lm.clean.contamination import sampled_runs
from lm.clean.decoding import REPLACEMENT
from lm.clean.filters import judge
from lm.clean.gutenberg import gutenberg_licence, mentions_gutenberg, strip_gutenberg
from lm.clean.hyphenation import join_hyphenated
from lm.clean.line_breaks import unify_line_breaks
from lm.clean.near_duplicates import BANDS, RUN_WORDS, band_keys
from lm.clean.part_counts import CleaningCounts
from lm.clean.parts import OPENING_ID_CHARACTERS, PackWriter, Row
from lm.clean.readers.input_file import ReadingSettings
from lm.clean.reading import RawDocument, read_raw
from lm.clean.rejects import OPENING_CHARACTERS
from lm.clean.repair import drop_control_characters, repair_mojibake
from lm.clean.shards import Shard
from lm.progress import Progress
from lm.text.archives import Expansion
from lm.text.licences import NOT_STATED
from lm.text.shingles import Hashed, hash_words, runs

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig

PROGRESS_BYTES = 2**20
BATCH_BYTES, BATCH_DOCUMENTS = 2**20, 4096


def clean_text(text: str, counts: CleaningCounts, *, repair: bool = True, join: bool = True) -> tuple[str, str]:
    """Mend lines decoded wrongly and words hyphenated at line ends, if asked to; take out what is no text.

    Returns the text without what Project Gutenberg put around it, and the licence that it states.
    """
    lines = controls = 1
    while lines or controls:  # what is mended or taken out may bring together what is to be mended
        text, breaks = unify_line_breaks(text)
        text, lines = repair_mojibake(text) if repair else (text, 0)
        text, controls = drop_control_characters(text)
        counts.line_breaks += breaks
        counts.repaired_lines += lines
        counts.control_characters += controls
    if not text.isascii():
        counts.replaced_characters += text.count(REPLACEMENT)
    if join:
        text, words = join_hyphenated(text)
        counts.joined_words += words
    if not mentions_gutenberg(text):
        return text, NOT_STATED
    book = strip_gutenberg(text)
    if len(book) < len(text):
        counts.boilerplate_bytes += len(text.encode()) - len(book.encode())
    return book, gutenberg_licence(text)


class _Candidate(NamedTuple):
    """A document as it is read, and its cleaned text in UTF-8, b"" where nothing is left of it."""

    shard: int
    found: RawDocument
    text: str
    encoded: bytes
    licence: str


def clean_shards(
    raw: Path,
    shards: Sequence[Shard],
    keys: Sequence[str],
    config: "CleanConfig",
    scratch: Path,
    out: Path,
    progress: Progress,
) -> None:
    """Clean shards of the raw artifact's folder `raw` into the pack `out`; the same shards give the same parts.

    `keys` are those of the parts; archives expand into a folder of their own in `scratch`.
    Memory: a megabyte of documents or the longest one, whatever the shards.
    Raises BadInput where archives expand to more than they may.
    """
    with TemporaryDirectory(dir=scratch) as folder, PackWriter(out, shards, keys) as pack:
        for batch in _batches(_cleaned(raw, shards, config, Path(folder), pack, progress)):
            pack.write(*_judged(batch, config))
            batch.clear()  # the next is read now


def _cleaned(
    raw: Path, shards: Sequence[Shard], config: "CleanConfig", scratch: Path, pack: PackWriter, progress: Progress
) -> Iterator[_Candidate]:
    total, done, reported = sum(shard.bytes for shard in shards), 0, 0
    expansion = Expansion(config.max_expanded_bytes)
    settings = ReadingSettings.of(config)
    for number, (shard, counts) in enumerate(zip(shards, pack.counts, strict=True)):
        expanded_before = expansion.bytes
        for document in read_raw(raw, shard, counts.reading, scratch, expansion, settings):
            text, its_own = clean_text(
                document.text, counts.cleaning, repair=config.repair_encoding, join=config.join_hyphenated
            )
            if text.isspace():
                text = ""
            counts.cleaning.dropped_empty += not text
            stated = shard.source.licence
            licence = document.licence or (stated if stated != NOT_STATED else its_own)
            done += len(document.text)
            yield _Candidate(number, document, text, text.encode(), licence)
            del document, text  # they may be large, and the next is read now
            if done - reported >= PROGRESS_BYTES:
                progress(min(done, total), total, "bytes", shard.source.name)
                reported = done
        counts.expanded_bytes = expansion.bytes - expanded_before


def _batches(candidates: Iterable[_Candidate]) -> Iterator[list[_Candidate]]:
    """About a megabyte of documents at a time; a longer one by itself."""
    batch, size = list[_Candidate](), 0
    for candidate in candidates:
        if batch and size + len(candidate.encoded) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(candidate)
        size += len(candidate.encoded)
        del candidate  # the batch alone holds it
        if size > BATCH_BYTES or len(batch) == BATCH_DOCUMENTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _judged(batch: list[_Candidate], config: "CleanConfig") -> tuple[list[Row], npt.NDArray[np.uint64], Hashed]:
    """Judge and sketch a batch of documents: what is to be written of it."""
    digests = [_digest(candidate.encoded) for candidate in batch]
    words = hash_words([candidate.encoded for candidate in batch])
    shingles = runs(words, RUN_WORDS)
    verdicts = judge([candidate.encoded for candidate in batch], words, shingles, config)
    rows = list[Row]()
    for (shard, found, text, encoded, licence), digest, verdict in zip(batch, digests, verdicts, strict=True):
        reason, value = ("empty", "") if not text else verdict or ("", "")
        rows.append(
            Row(
                shard=shard,
                document_id=digest.hex(),
                opening_id=_digest(text[:OPENING_ID_CHARACTERS].encode()).hex(),
                source=found.source,
                title=found.title,
                licence=licence,
                text="" if reason else text,
                reason=reason,
                value=value,
                opening=text[:OPENING_CHARACTERS] if reason else "",
                bytes=len(encoded),
                characters=len(text),
                part=found.part,
            )
        )
    if config.near_duplicates == "ignore":
        bands = np.zeros((len(rows), BANDS), np.uint64)
    else:
        bands = band_keys(words, shingles, np.array([int.from_bytes(digest) for digest in digests], np.uint64))
    del shingles  # of a long document there are many, and the next ones are made of the words again
    return rows, bands, sampled_runs(words)


def _digest(encoded: bytes) -> bytes:
    return hashlib.sha256(encoded).digest()[:8]
