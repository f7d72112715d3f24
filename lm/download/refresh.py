"""Whether the sources on the web have changed since they were pinned: asked in a few bytes where the server can tell.

What has changed is fetched and pinned anew, so that the next run trains on it; what has not is not fetched again. A
server that names its content by ETag or date is only asked for that name; of any other the content is fetched and
its hash compared.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import httpx

from lm.download.config import DownloadConfig
from lm.download.corpora import Source
from lm.download.corpora import resolve as resolve_words
from lm.download.fetch import Visits
from lm.download.incoming import Incoming
from lm.download.listings import Listings, RemoteFile, sources_in
from lm.download.remote import NotText, list_files
from lm.download.remote_addresses import below
from lm.download.stage import resolve
from lm.download.transfer import CONNECT_SECONDS, MAX_REDIRECTS, READ_SECONDS, USER_AGENT, Limits
from lm.errors import BadInput, Stopped
from lm.progress import Progress
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, sha256_of, write_record
from lm.text.addresses import check_redirect, identity, shown

VALIDATORS_FILE = "validators.json"
VALIDATORS = ("etag", "last-modified", "content-length")


def refresh(config: DownloadConfig, store: Store, progress: Progress) -> list[str]:
    """Ask after every pinned address of a corpus; return the names of the sources that have changed.

    Their new content is kept and pinned. Raises Stopped when the network, the deadline or the disk was the end of it,
    BadInput for what an address cannot be used for any more.
    """
    limits = Limits(config.max_bytes, time.monotonic() + config.deadline_seconds, config.retries)
    incoming, visits = Incoming(store), Visits(limits)
    known = _KnownValidators(store)
    sources = [source for source in resolve(config, store).sources if source.kind == "url" and source.sha256]
    changed = []
    for number, source in enumerate(sources):
        progress(number, len(sources), "source", source.name)
        told = _ask(source.address)
        if told and told == known.of(source):
            continue
        if _fetch_anew(source, incoming, visits, progress):
            changed.append(source.name)
        known.keep(source, told, incoming)
    for place in resolve_words(config.corpus).sources:
        if place.kind == "place":
            changed += _refresh_place(place, Listings(store), incoming, visits, limits, progress)
    return changed


def _refresh_place(
    place: Source, listings: Listings, incoming: Incoming, visits: Visits, limits: Limits, progress: Progress
) -> list[str]:
    """List a place again and fetch what has another name there now, or none; what is new in it, or gone, is a change.

    The new listing is kept last: what a kill leaves undone is found again.
    """
    before = listings.of(place)
    if before is None:
        return []  # never used yet: the next run lists it
    versions = {file.path: file.version for file in before.files}
    listing = list_files(place.address, limits)
    pinned, kept, changed = incoming.pinned(), list[RemoteFile](), list[str]()
    for file, source in zip(listing.files, sources_in(place, listing), strict=True):
        if not file.version or versions.get(file.path) != file.version:
            known = replace(source, sha256=pinned.get(identity(source.address)) if file.path in versions else None)
            try:
                if _fetch_anew(known, incoming, visits, progress):
                    changed.append(source.name)
            except NotText:
                continue
        kept.append(file)
    gone = versions.keys() - {file.path for file in kept}
    listings.keep(place, listing.model_copy(update={"files": tuple(kept)}))
    return [*changed, *(below(place.name, path) for path in sorted(gone))]


def _fetch_anew(source: Source, incoming: Incoming, visits: Visits, progress: Progress) -> bool:
    """Fetch a source and compare its hash with the pin; keep and pin the content where it differs."""
    with incoming.receiving(source) as unfinished:
        visits.fetch(source, unfinished, progress)
        found = sha256_of(unfinished)
        if found == source.sha256:
            unfinished.unlink()
            return False
        incoming.pin(source, found)
        incoming.keep(unfinished, found)
        return True


def _ask(url: str) -> dict[str, str]:
    """What the server calls the content now; nothing where it does not say. Raises Stopped when it does not answer."""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    target = url
    try:
        with httpx.Client(headers=headers, timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)) as client:
            for _ in range(MAX_REDIRECTS):
                response = client.head(target)
                if not response.has_redirect_location:
                    break
                target = str(response.url.join(response.headers["location"]))
                check_redirect(url, target)
    except httpx.InvalidURL:
        raise BadInput(f"{shown(url)} cannot be understood as an address") from None
    except httpx.HTTPError as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise Stopped(
            f"{shown(url)} cannot be asked after ({reason}): check the network, then run this again"
        ) from None
    told = {name: response.headers[name] for name in VALIDATORS if name in response.headers}
    return told if response.is_success and {"etag", "last-modified"} & told.keys() else {}


class Validators(TypedDict):
    """What the server of a source called its content."""

    sha256: str | None  # of the content
    told: dict[str, str]  # headers such as ETag


class _KnownValidators:
    """What the server of each source called the content of its pin, in `validators.json` beside the pins."""

    def __init__(self, store: Store) -> None:
        self._path: Path = store.folder("download") / VALIDATORS_FILE
        self._kept: dict[str, Validators] = read_json(self._path)["sources"] if self._path.exists() else {}

    def of(self, source: Source) -> dict[str, str] | None:
        """What the pinned content was called; None where that is not known."""
        kept = self._kept.get(identity(source.address))
        return dict(kept["told"]) if kept and kept["sha256"] == source.sha256 else None

    def keep(self, source: Source, told: dict[str, str], incoming: Incoming) -> None:
        """Remember it for the content that is pinned now. It was asked for before the content: at worst it is older."""
        pinned = incoming.pinned().get(identity(source.address), source.sha256)
        self._kept[identity(source.address)] = Validators(sha256=pinned, told=told)
        write_record(self._path, {"schema_version": SCHEMA_VERSION, "sources": dict(sorted(self._kept.items()))})
