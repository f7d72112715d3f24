"""One attempt to bring a file over HTTP into a partial file."""

import re
import shutil
import socket
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from lm import __version__
from lm.download.partial_file import PartialFile, PartialWriter
from lm.errors import BadInput, Stopped
from lm.formatting import format_text_size
from lm.progress import Progress
from lm.text.addresses import check_redirect, shown
from lm.text.file_kind import HEAD_BYTES, READABLE, file_kind

USER_AGENT = f"slowburn/{__version__} (trains small language models; python-httpx/{httpx.__version__})"
MAX_REDIRECTS = 10
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # with nothing arriving at all
DECODED_BYTES = 2**20  # at a time, however much a compressed block expands to
PAGE_ADDRESSES = (".html", ".htm", ".xhtml", "/")  # from others, a page is an error or a log-in more often than not
WORTH_A_RETRY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True)
class Limits:
    """How far to go."""

    max_bytes: int  # for one address, decoded
    deadline: float  # of time.monotonic()
    retries: int
    backoff_seconds: float = 1.0  # before the first retry, doubled for each further one
    web_pages: bool = False  # taken from any address

    @property
    def seconds_left(self) -> float:
        """Seconds to the deadline."""
        return self.deadline - time.monotonic()


class Failed(Exception):
    """This attempt failed; another one may not. `wait_seconds` is what the server asked for."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


def transfer(url: str, partial: PartialFile, limits: Limits, progress: Progress) -> bool:
    """Bring the file, or the rest of it, in one attempt; return whether the server told where it ends.

    If it did not, a connection that was cut looks like the end of the file.

    Raises Failed when another attempt may succeed, BadInput when none will, Stopped for a full disk.
    """
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        with (
            _Watchdog(limits) as watchdog,
            httpx.Client(headers=headers, timeout=timeout) as client,
            closing(_open(client, url, partial, watchdog)) as response,
        ):
            return _receive(url, response, partial, limits, progress)
    except httpx.InvalidURL:
        raise BadInput(f"{shown(url)} cannot be understood as an address") from None
    except (httpx.HTTPError, zlib.error) as error:
        raise Failed(str(error).rstrip(".") or type(error).__name__) from None


class _Watchdog:
    """Cuts the connection at the deadline, whatever it waits for.

    A read timeout would start anew with every byte that drips in.
    """

    def __init__(self, limits: Limits) -> None:
        self._socket: socket.socket | None = None
        self._expired = False
        self._timer = threading.Timer(max(0.0, limits.seconds_left), self._cut)
        self._timer.daemon = True

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Note the connection in use: httpcore calls this, and says each of its steps."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._expired:
                self._cut()

    def _cut(self) -> None:
        self._expired = True
        if self._socket:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def __enter__(self) -> "_Watchdog":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _open(client: httpx.Client, typed: str, partial: PartialFile, watchdog: _Watchdog) -> httpx.Response:
    """Ask for the file, or for what is missing of it, and follow redirects one by one."""
    arrived, url, headers = partial.arrived, typed, {}
    if arrived.bytes:
        headers = {"Range": f"bytes={arrived.bytes}-", "If-Range": arrived.validator}
    for _ in range(MAX_REDIRECTS):
        request = client.build_request("GET", url, headers=headers, extensions={"trace": watchdog.trace})
        response = client.send(request, stream=True)
        if not response.has_redirect_location:
            return response
        response.close()
        url = str(response.url.join(response.headers["location"]))
        check_redirect(typed, url)
    raise BadInput(f"{shown(typed)} redirects more than {MAX_REDIRECTS} times: give the address it should lead to")


def _receive(url: str, response: httpx.Response, partial: PartialFile, limits: Limits, progress: Progress) -> bool:
    """Write the body of a response."""
    _check_status(url, response, partial)
    validator = _validator(response)
    start = _start(response, partial, validator)
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise BadInput(f"{shown(url)} sends its content as {encoding[:20]!r}, which is not understood")
    plain = encoding == "identity"
    length = int(response.headers.get("content-length") or -1) if plain else -1
    total = start + length if length >= 0 else None
    check_room(url, total, start, partial, limits)
    blocks = response.iter_raw() if plain else _decoded(response.iter_raw())
    with closing(PartialWriter(partial, start, total, validator if plain else "")) as writer:
        for block in _checked(url, blocks, response, limits) if start == 0 else blocks:
            writer.write(block)
            if writer.bytes > limits.max_bytes:
                raise too_large(url, f"more than {format_text_size(limits.max_bytes)}")
            progress(writer.bytes, total, "bytes", shown(url))
            if limits.seconds_left <= 0:
                break
    if limits.seconds_left <= 0:
        raise Failed("the deadline has passed")
    if total is not None and writer.bytes != total:
        raise Failed(f"{writer.bytes:,} of {total:,} bytes came")
    partial.forget()
    return total is not None or not plain or "chunked" in response.headers.get("transfer-encoding", "")


def _check_status(url: str, response: httpx.Response, partial: PartialFile) -> None:
    status = response.status_code
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and partial.arrived.bytes:
        partial.forget()
        raise Failed("the file is shorter than what had arrived of it")
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "an unknown status"
    if status >= 500 or status in WORTH_A_RETRY:
        raise Failed(f"the server answered {status} {phrase}", _retry_after(response))
    raise BadInput(f"{shown(url)}: the server answered {status} {phrase}: check the address")


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds a server asks to wait, which it may give as a number or as a date."""
    value = response.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _validator(response: httpx.Response) -> str:
    """Return what may stand in If-Range for this content: a strong ETag, else its date, else nothing."""
    etag = str(response.headers.get("etag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("last-modified", ""))


def _start(response: httpx.Response, partial: PartialFile, validator: str) -> int:
    """Return the offset at which this body begins: 0, or where the last attempt was cut if it is the same content."""
    arrived = partial.arrived
    if response.status_code == HTTPStatus.OK:
        return 0
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
    same = match and int(match[1]) == arrived.bytes and validator in ("", arrived.validator)
    if not match or not same or match[2] not in ("*", str(arrived.total)):
        partial.forget()
        raise Failed("the file changed while it was fetched")
    return arrived.bytes


def check_room(url: str, total: int | None, start: int, partial: PartialFile, limits: Limits) -> None:
    """Raise BadInput for what is above the size cap, Stopped for what the disk has no room for."""
    if total is None:
        return
    if total > limits.max_bytes:
        raise too_large(url, format_text_size(total))
    free = shutil.disk_usage(partial.path.parent).free
    if total - start > free:
        raise Stopped(
            f"{shown(url)}: {format_text_size(total - start)} are to come and the disk has {format_text_size(free)} "
            "free: make room, then run this again"
        )


def too_large(url: str, size: str) -> BadInput:
    """What is said of a file above the size cap."""
    return BadInput(f"{shown(url)} is {size}, above the size cap: raise it with --set download.max_bytes=…")


def _decoded(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Expand gzip or deflate, a bounded piece at a time."""
    decoder = _decoder()
    for block in blocks:
        while block:
            if decoder.eof:
                decoder = _decoder()
            yield decoder.decompress(block, DECODED_BYTES)
            block = decoder.unused_data or decoder.unconsumed_tail
    if not decoder.eof:
        raise Failed("the compressed content was cut short")


def _decoder() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # either format, told by its header


def _checked(url: str, blocks: Iterable[bytes], response: httpx.Response, limits: Limits) -> Iterator[bytes]:
    """Let a body pass as long as it can be read. Raises BadInput for a page that was not asked for, and for others."""
    head = b""
    for block in blocks:
        waiting = len(head) < HEAD_BYTES
        head += block[: HEAD_BYTES - len(head)]
        if waiting and len(head) == HEAD_BYTES:
            _check_kind(url, head, response, limits)
        yield block
    _check_kind(url, head, response, limits)


def _check_kind(url: str, head: bytes, response: httpx.Response, limits: Limits) -> None:
    kind = file_kind(head)
    said_page = response.headers.get("content-type", "").lower().startswith("text/html")
    if said_page and head.lstrip().startswith(b"<"):
        kind = "a web page"
    if kind not in READABLE:
        raise BadInput(f"{shown(url)} gave {kind} where text was expected: check the address")
    if kind == "a web page" and not limits.web_pages and not urlsplit(url).path.lower().endswith(PAGE_ADDRESSES):
        raise BadInput(
            f"{shown(url)} gave a web page where text was expected: check the address, or take the page as the text "
            "with --set download.web_pages=true"
        )
