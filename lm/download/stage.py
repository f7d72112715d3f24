"""The download stage: every source of a corpus, verified, in one raw artifact.

Unlike the other stages' its key depends on content: on the hash of each source. `resolve` finds these hashes without
the network; where one is missing, `fetch` brings the content and pins it, and only then is the key known.
"""

import errno
import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.download import corpora, python_docs
from lm.download.config import VERSION, DownloadConfig
from lm.download.corpora import Corpus, Source
from lm.download.incoming import Incoming
from lm.download.listings import Listings, sources_in
from lm.download.metrics import DownloadMetrics
from lm.errors import BadInput, Stopped
from lm.formatting import format_text_size
from lm.progress import Progress
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, sha256_of, write_json
from lm.store.keys import artifact_key, version_behind
from lm.text.addresses import identity, shown
from lm.text.compressed_files import known_suffix
from lm.text.licences import NOT_STATED
from lm.text.raw_sources import SOURCES_FILE, RawSource

if TYPE_CHECKING:
    from lm.download.fetch import Visits
    from lm.download.transfer import Limits

NAME = "download"
COPY_BYTES = 2**20
PACKED_SUFFIXES = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd", ".zip", ".tar", ".tgz", ".tbz2", ".txz", ".epub",
                   ".docx", ".odt")  # fmt: skip
TABLE_SUFFIXES = (".jsonl", ".ndjson", ".parquet", ".csv", ".tsv", ".mbox", ".xml")
EXPANSION = 4  # of text that was compressed, as a rule
ACCEPT = "--set download.accept_changed=true"


def resolve(config: DownloadConfig, store: Store) -> Corpus:
    """Find the sources of a request and, without the network, the hash of each that is known.

    Local files are read to hash them. Raises BadInput for a word that is no name, path or address.
    """
    corpus = corpora.resolve(config.corpus, store.root)
    sources = _with_licences(corpus.sources, config.licence)
    return replace(corpus, sources=_with_hashes(_listed(sources, Listings(store)), store))


def _with_licences(sources: Iterable[Source], said: str | None) -> Iterator[Source]:
    for source in sources:
        yield replace(source, licence=said) if said and source.licence == NOT_STATED else source


def _listed(sources: Iterable[Source], listings: Listings) -> Iterator[Source]:
    """The sources with the files of every place that was listed before."""
    for source in sources:
        listing = listings.of(source) if source.kind == "place" else None
        yield from sources_in(source, listing) if listing else [source]


def _with_hashes(sources: Iterable[Source], store: Store) -> tuple[Source, ...]:
    pinned = Incoming(store).pinned()
    return tuple(_with_hash(source, pinned) for source in sources)


def _with_hash(source: Source, pinned: dict[str, str]) -> Source:
    if source.kind != "file":
        return replace(source, sha256=pinned.get(identity(source.address), source.sha256))
    try:
        return replace(source, sha256=sha256_of(Path(source.address)))
    except OSError as error:
        raise BadInput(f"{shown(source.address)} cannot be read: {error.strerror}") from None


def key_of(corpus: Corpus) -> str | None:
    """Return the key of the raw artifact; None while the hash of a source is unknown."""
    if any(source.sha256 is None for source in corpus.sources):
        return None
    return artifact_key(NAME, VERSION, _deciding(_in_order(corpus)), {})


def is_key_of(key: str, sources: Iterable[RawSource]) -> bool:
    """Whether a raw artifact that lists these sources has this key."""
    return version_behind(key, NAME, _deciding(sources), {}) is not None


def _deciding(sources: Iterable[Source | RawSource]) -> dict[str, Any]:
    """All that decides the content of a raw artifact."""
    return {"sources": [[s.name, s.format, s.separator, s.licence, s.sha256] for s in sources]}


def inputs_of(corpus: Corpus) -> dict[str, str]:
    """Return the hash of each file that the raw artifact holds, by its path in there."""
    return {_file_name(number, source): str(source.sha256) for number, source in enumerate(_in_order(corpus))}


def _in_order(corpus: Corpus) -> list[Source]:
    """The same sources are the same corpus, in whatever order they were asked for."""
    return sorted(corpus.sources, key=lambda source: (source.name, str(source.sha256)))


def fetch(config: DownloadConfig, corpus: Corpus, store: Store, progress: Progress) -> Corpus:
    """Bring what is not there yet and return the corpus with every hash known; what has arrived is kept if it fails.

    Raises BadInput for what cannot be used (not found, not text, too large, changed since it was pinned) and Stopped
    for what may go better later (the network, the deadline, a full disk).
    """
    from lm.download.fetch import Visits  # brings httpx, which readers of the config need not load
    from lm.download.remote import NotText
    from lm.download.transfer import Limits

    deadline = time.monotonic() + config.deadline_seconds
    limits = Limits(config.max_bytes, deadline, config.retries, web_pages=config.web_pages)
    incoming, visits = Incoming(store), Visits(limits)
    sources = list[Source]()
    try:
        for source in _with_hashes(_list_new(corpus.sources, store, limits), store):
            if source.kind != "file" and not (source.sha256 and incoming.has(source.sha256)):
                with incoming.receiving(source) as unfinished:
                    try:
                        source = _receive(source, unfinished, incoming, config, visits, progress)
                    except NotText as problem:
                        if not Listings(store).leave_out(source):
                            raise
                        visits.notes.append(f"skipped, since it is no text: {problem}")
                        continue
            sources.append(source)
    except OSError as error:
        kind = Stopped if error.errno in (errno.ENOSPC, errno.EDQUOT) else BadInput
        raise kind(f"download: cannot write in {incoming.folder}: {error.strerror}") from error
    return Corpus(tuple(sources), (*corpus.notes, *visits.notes))


def _list_new(sources: Iterable[Source], store: Store, limits: "Limits") -> Iterator[Source]:
    """The sources with the files of every place, asked for where it was not listed yet."""
    from lm.download.remote import list_files

    listings = Listings(store)
    for source in sources:
        if source.kind == "place":
            listing = list_files(source.address, limits)
            listings.keep(source, listing)
            yield from sources_in(source, listing)
        else:
            yield source


def _receive(
    source: Source, unfinished: Path, incoming: Incoming, config: DownloadConfig, visits: "Visits", progress: Progress
) -> Source:
    """Bring one source into `incoming`, check it against its pin, and pin it if it has none."""
    expected = incoming.pinned().get(identity(source.address), source.sha256)  # it may have come while we waited
    if expected and incoming.has(expected):
        return replace(source, sha256=expected)
    if source.kind == "embedded":
        python_docs.write_json_lines(unfinished, progress)
    else:
        visits.fetch(source, unfinished, progress)
    found = sha256_of(unfinished)
    if expected and found != expected and not config.accept_changed:
        unfinished.unlink()
        raise BadInput(
            f"{source.name}: the content of {shown(source.address)} is not the expected one (SHA-256 {found[:12]}…, "
            f"expected {expected[:12]}…); if the change is welcome, run again with {ACCEPT}"
        )
    if found != expected:
        incoming.pin(source, found)
    incoming.keep(unfinished, found)
    return replace(source, sha256=found)


def assemble(corpus: Corpus, store: Store, out: Path, progress: Progress) -> DownloadMetrics:
    """Put every source of a fetched corpus and `sources.json` into `out`; return what there is.

    Raises SlowburnError when a file is not what it was when its hash was taken.
    """
    raw_sources = list[RawSource]()
    for number, source in enumerate(_in_order(corpus)):
        target = out / _file_name(number, source)
        _place(source, target, Incoming(store), progress)
        raw_sources.append(_raw_source(source, target))
    listed = [raw.model_dump(mode="json") for raw in raw_sources]
    write_json(out / SOURCES_FILE, {"schema_version": SCHEMA_VERSION, "sources": listed})
    total = sum(raw.bytes for raw in raw_sources)
    return DownloadMetrics(
        files=len(raw_sources),
        bytes=total,
        largest_document_bytes=max((document_bytes(raw) for raw in raw_sources), default=0),
        licences=tuple(sorted({raw.licence for raw in raw_sources})),
        notes=corpus.notes,
        summary=f"{format_text_size(total)} in {len(raw_sources)} file{'s' if len(raw_sources) > 1 else ''}",
    )


def document_bytes(raw: RawSource) -> int:
    """About how large a document of this source may be; nothing where it holds many."""
    suffix = Path(raw.name).suffix.lower()
    if suffix in TABLE_SUFFIXES or raw.separator or raw.format == "jsonl":
        return 0
    return raw.bytes * (EXPANSION if suffix in PACKED_SUFFIXES else 1)


def _file_name(number: int, source: Source) -> str:
    """A name for a source's file that is safe on every file system and different from all others."""
    suffix = ".jsonl" if source.format == "jsonl" else known_suffix(source.name)
    slug = re.sub(r"[^a-z0-9]+", "-", source.name.lower().removesuffix(suffix)).strip("-")[-60:]
    return f"{number:05d}-{slug}{suffix}"


def _raw_source(source: Source, file: Path) -> RawSource:
    assert source.sha256
    return RawSource(
        name=source.name,
        title=source.title,
        address=shown(source.address),
        licence=source.licence,
        path=file.name,
        sha256=source.sha256,
        bytes=file.stat().st_size,
        format=source.format,
        separator=source.separator,
    )


def _place(source: Source, target: Path, incoming: Incoming, progress: Progress) -> None:
    """Copy a source's content to its place in the artifact and make sure that it is what it was."""
    assert source.sha256, "fetch gives every source its hash"
    content = Path(source.address) if source.kind == "file" else incoming.content(source.sha256)
    try:
        found = _copy(content, target, source.name, progress)
    except FileNotFoundError:
        found = None
    if found != source.sha256:
        if source.kind != "file":
            incoming.drop(source.sha256)
        raise Stopped(f"{source.name} changed while it was read: run this again")


def _copy(source: Path, target: Path, name: str, progress: Progress) -> str:
    """Copy a file and return the hash of what was copied."""
    digest, done, total = hashlib.sha256(), 0, source.stat().st_size
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(COPY_BYTES):
            digest.update(block)
            writer.write(block)
            done += len(block)
            progress(done, total, "bytes", name)
    return digest.hexdigest()


def sweep(corpus: Corpus, store: Store) -> None:
    """Forget what was kept on its way, once the raw artifact holds it."""
    incoming = Incoming(store)
    for source in corpus.sources:
        if source.sha256:
            incoming.drop(source.sha256)
