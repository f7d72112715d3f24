"""Files over the network, with patience: retries, one deadline for all, and a pause between files of one host."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lm.download.corpora import Source
from lm.download.partial_file import PartialFile
from lm.download.remote import transfer_remote
from lm.download.remote_addresses import is_remote
from lm.download.transfer import Failed, Limits, transfer
from lm.errors import BadInput, Stopped
from lm.formatting import format_duration, format_text_size
from lm.progress import Progress
from lm.text.addresses import shown


def fetch_url(url: str, path: Path, limits: Limits, progress: Progress) -> bool:
    """Bring the content of an address into `path`, going on where an earlier call was cut.

    Return whether the server told where the content ends: if it did not, what was cut short looks whole.

    Raises BadInput when it cannot be used (not found, too large, no text) and Stopped when the network or the deadline
    was the end of it: what has arrived is kept then.
    """
    partial = PartialFile(path)
    try:
        with _quiet_loggers():
            return _fetch_patiently(url, partial, limits, progress)
    except BaseException as error:
        if isinstance(error, BadInput) or not partial.arrived.bytes:
            partial.discard()
        raise


def _fetch_patiently(url: str, partial: PartialFile, limits: Limits, progress: Progress) -> bool:
    """Try until it is there, the retries are used up without a byte won, or the time is."""
    failures, most_bytes = 0, partial.arrived.bytes
    while True:
        try:
            attempt = transfer_remote if is_remote(url) else transfer
            return attempt(url, partial, limits, progress)
        except Failed as failure:
            failures = failures + 1 if partial.arrived.bytes <= most_bytes else 1
            most_bytes = max(most_bytes, partial.arrived.bytes)
            wait = failure.wait_seconds
            if wait is None:
                wait = limits.backoff_seconds * 2 ** (failures - 1)
            if limits.seconds_left <= wait or failures > limits.retries:
                raise _stopped(url, failure, wait, partial, limits) from None
            note = f"{shown(url)}: {failure}; trying again in {format_duration(wait)}"
            progress(partial.arrived.bytes, partial.arrived.total, "bytes", note)
            time.sleep(wait)


def _stopped(url: str, failure: Failed, wait: float, partial: PartialFile, limits: Limits) -> Stopped:
    arrived = partial.arrived.bytes
    kept = f"; {format_text_size(arrived)} have arrived and are kept" if arrived else ""
    if limits.seconds_left <= wait:
        asked = f" ({failure}, and asks to wait {format_duration(wait)})" if failure.wait_seconds else ""
        return Stopped(
            f"{shown(url)} did not arrive before the deadline{asked}{kept}: run this again, or allow more with "
            "--set download.deadline_seconds=…"
        )
    return Stopped(f"{shown(url)} cannot be fetched ({failure}){kept}: check the network, then run this again")


class Visits:
    """Fetches sources one after the other, and waits between two of a host that asks for it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.notes: list[str] = []
        self._left: dict[str, float] = {}  # when each host was left

    def fetch(self, source: Source, path: Path, progress: Progress) -> None:
        """Bring one source into `path`; see `fetch_url`."""
        host = urlsplit(source.address).netloc
        pause = self._left.get(host, float("-inf")) + source.pause_seconds - time.monotonic()
        time.sleep(min(max(0.0, pause), max(0.0, self._limits.seconds_left)))
        try:
            if not fetch_url(source.address, path, self._limits, progress) and not source.sha256:
                self.notes.append(f"{source.name}: the server did not say its length, so it may have been cut short")
        finally:
            self._left[host] = time.monotonic()


@contextmanager
def _quiet_loggers() -> Iterator[None]:
    """Keep httpx from logging whole addresses, whose user, password and query are nobody's business."""
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
