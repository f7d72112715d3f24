"""Downloading: from paths, and from a real server on this machine that does everything a server may do wrong."""

import gzip
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lm.download.config import DownloadConfig
from lm.download.fetch import fetch_url
from lm.download.stage import resolve
from lm.download.transfer import Limits
from lm.errors import BadInput, SlowburnError, Stopped
from lm.progress import silent
from lm.store.artifacts import Store
from lm.supervision.job import WHOLE
from lm.text.addresses import check_redirect, is_private, shown
from tests.lm.downloading import contents, download, leftovers

TEXT = "".join(f"{n}: All happy families are alike.\n" for n in range(3000)).encode()  # 100 kB
OTHER = TEXT.replace(b"happy", b"other")
Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test wants it."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((path, dict(self.headers)))
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):
            BEHAVIOURS[path](self)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    @property
    def visit(self) -> int:
        """How often this path was asked for, this time included."""
        return sum(path == self.path for path, _ in self.server.requests)

    def head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, content: bytes, **headers: str) -> None:
        self.head(200, len(content), **headers)
        self.wfile.write(content)

    def wanted_start(self) -> int:
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def serve(h: Handler) -> None:
    h.body(TEXT, ETag='"one"')


def cut_then_range(h: Handler) -> None:
    """The first connection breaks half-way; then ranges are served as asked for."""
    if h.visit == 1:
        h.head(200, len(TEXT), ETag='"one"')
        h.wfile.write(TEXT[: len(TEXT) // 2])
    else:
        assert h.headers["If-Range"] == '"one"'
        start = h.wanted_start()
        content_range = f"bytes {start}-{len(TEXT) - 1}/{len(TEXT)}"
        h.head(206, len(TEXT) - start, ETag='"one"', Content_Range=content_range)
        h.wfile.write(TEXT[start:])


def cut_then_whole(h: Handler) -> None:
    """Ranges are not known here."""
    h.head(200, len(TEXT), ETag='"one"')
    h.wfile.write(TEXT if h.visit > 1 else TEXT[: len(TEXT) // 2])


def cut_then_changed(h: Handler) -> None:
    """The content is another one when the rest is asked for, and the server says so as it should."""
    if h.visit == 1:
        h.head(200, len(TEXT), ETag='"one"')
        h.wfile.write(TEXT[: len(TEXT) // 2])
    else:
        h.body(OTHER, ETag='"two"')


def cut_then_patched(h: Handler) -> None:
    """The content is another one when the rest is asked for, and the server sends a range of it all the same."""
    if h.visit == 1:
        h.head(200, len(TEXT), ETag='"one"')
        h.wfile.write(TEXT[: len(TEXT) // 2])
    elif "Range" in h.headers:
        start = h.wanted_start()
        h.head(206, len(OTHER) - start, ETag='"two"', Content_Range=f"bytes {start}-{len(OTHER) - 1}/{len(OTHER)}")
        h.wfile.write(OTHER[start:])
    else:
        h.body(OTHER, ETag='"two"')


def cut_chunked(h: Handler) -> None:
    h.head(200, None, Transfer_Encoding="chunked")
    h.wfile.write(b"%x\r\n" % len(TEXT) + TEXT + b"\r\n" + (b"0\r\n\r\n" if h.visit > 1 else b""))


def cut_gzip(h: Handler) -> None:
    packed = gzip.compress(TEXT)
    h.body(packed if h.visit > 1 else packed[:-20], Content_Encoding="gzip")


def no_length(h: Handler) -> None:
    h.head(200, None, Connection="close")
    h.wfile.write(TEXT)


def endless(h: Handler) -> None:
    h.head(200, None, Connection="close")
    while True:
        h.wfile.write(TEXT)


def drip(h: Handler) -> None:
    h.head(200, len(TEXT), ETag='"one"')
    for byte in TEXT:
        h.wfile.write(bytes([byte]))
        time.sleep(0.02)


def drip_without_length(h: Handler) -> None:
    h.head(200, None, Connection="close")
    for byte in TEXT:
        h.wfile.write(bytes([byte]))
        time.sleep(0.02)


def drip_headers(h: Handler) -> None:
    h.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        h.wfile.write(b"x")
        time.sleep(0.02)


def stall(h: Handler) -> None:
    """Send one half, then nothing, until the client is gone."""
    if h.visit == 1:
        h.head(200, len(TEXT), ETag='"one"')
        h.wfile.write(TEXT[: len(TEXT) // 2])
        h.rfile.read()
    else:
        cut_then_range(h)


def fail_twice(h: Handler) -> None:
    if h.visit <= 2:
        h.head(503, 0)
    else:
        serve(h)


def changing(h: Handler) -> None:
    h.body(TEXT if h.visit == 1 else OTHER)


def secret(h: Handler) -> None:
    if h.headers.get("Authorization") == "Basic dXNlcjpwYTU1d29yZA==" and h.path.endswith("?token=s3cr3t"):
        serve(h)
    else:
        h.head(403, 0)


def redirect(to: str) -> Behaviour:
    return lambda h: h.head(302, 0, Location=to)


BEHAVIOURS: dict[str, Behaviour] = {
    "/text": serve,
    "/cut-then-range": cut_then_range,
    "/cut-then-whole": cut_then_whole,
    "/cut-then-changed": cut_then_changed,
    "/cut-then-patched": cut_then_patched,
    "/cut-chunked": cut_chunked,
    "/cut-gzip": cut_gzip,
    "/no-length": no_length,
    "/drip": drip,
    "/drip-without-length": drip_without_length,
    "/drip-headers": drip_headers,
    "/stall": stall,
    "/fail-twice": fail_twice,
    "/changing": changing,
    "/secret": secret,
    "/gzip": lambda h: h.body(gzip.compress(TEXT[:50_000]) + gzip.compress(TEXT[50_000:]), Content_Encoding="gzip"),
    "/bomb": lambda h: h.body(gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip"),
    "/brotli": lambda h: h.body(b"whatever", Content_Encoding="br"),
    "/large": lambda h: h.head(200, 10**12),
    "/endless": endless,
    "/missing": lambda h: h.head(404, 0),
    "/broken": lambda h: h.head(500, 0),
    "/later": lambda h: h.head(429, 0, Retry_After="9999"),
    "/soon": lambda h: h.head(429, 0, Retry_After="0") if h.visit == 1 else serve(h),
    "/page": lambda h: h.body(b"\n<!DOCTYPE html><html><body>Please log in</body></html>"),
    "/page.html": lambda h: BEHAVIOURS["/page"](h),
    "/page/": lambda h: BEHAVIOURS["/page"](h),
    "/piece-of-page": lambda h: h.body(b"<p>Not found, sorry</p>", Content_Type="text/html; charset=utf-8"),
    "/binary": lambda h: h.body(bytes(range(256)) * 100),
    "/empty": lambda h: h.body(b""),
    "/moved": redirect("/text?x=1"),
    "/loop": redirect("/loop"),
    "/to-file": redirect("file:///etc/passwd"),
    "/to-private": redirect("http://10.0.0.1/text"),
    "/to-other-loopback": redirect("http://127.0.0.2/text"),
    "/to-metadata": redirect("http://[::ffff:169.254.169.254]/latest/"),
    "/to-nonsense": redirect("http://[::1/"),
}


def limits(seconds: float = 60.0, retries: int = 3) -> Limits:
    return Limits(10_000_000, time.monotonic() + seconds, retries, backoff_seconds=0.01)


ARRIVES = ["text", "cut-then-range", "cut-then-whole", "cut-chunked", "cut-gzip", "gzip", "no-length", "fail-twice"]


@pytest.mark.parametrize("path", [*ARRIVES, "soon", "moved"])
def test_a_file_arrives_whole_whatever_the_way(server: Server, tmp_path: Path, path: str) -> None:
    """Cut connections, passing errors, compression and redirects all end in the very content."""
    told_length = fetch_url(f"{server.url}/{path}", tmp_path / "part", limits(), silent)
    assert (tmp_path / "part").read_bytes() == TEXT
    assert told_length == (path != "no-length")
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_only_the_rest_is_asked_for(server: Server, tmp_path: Path) -> None:
    """After a cut, the half that arrived is not transferred again."""
    fetch_url(f"{server.url}/cut-then-range", tmp_path / "part", limits(), silent)
    assert [headers.get("Range") for _, headers in server.requests] == [None, f"bytes={len(TEXT) // 2}-"]


@pytest.mark.parametrize("path", ["cut-then-changed", "cut-then-patched"])
def test_halves_of_two_contents_are_never_joined(server: Server, tmp_path: Path, path: str) -> None:
    """When the content changes between two requests, the new one is taken from its start."""
    fetch_url(f"{server.url}/{path}", tmp_path / "part", limits(), silent)
    assert (tmp_path / "part").read_bytes() == OTHER


@pytest.mark.parametrize("path", ["drip", "drip-without-length", "drip-headers", "later"])
def test_the_deadline_ends_a_server_that_never_does(server: Server, tmp_path: Path, path: str) -> None:
    """A byte now and then does not keep a transfer alive, nor does a request for endless patience."""
    with pytest.raises(Stopped, match="before the deadline"):
        fetch_url(f"{server.url}/{path}", tmp_path / "part", limits(seconds=0.5), silent)


def test_a_killed_download_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    """kill -9 in the middle of a transfer loses nothing that had reached the disk."""
    program = (
        "import sys, time, pathlib; from lm import progress;"
        "from lm.download import fetch, partial_file, transfer;"
        "partial_file.FLUSH_SECONDS = 0;"
        "limits = transfer.Limits(10**9, time.monotonic() + 60, 0);"
        "fetch.fetch_url(sys.argv[1], pathlib.Path(sys.argv[2]), limits, progress.silent)"
    )
    part = tmp_path / "a.part"
    process = subprocess.Popen([sys.executable, "-c", program, f"{server.url}/stall", str(part)])
    while not ((facts := tmp_path / "a.json").exists() and json.loads(facts.read_text())["bytes"] == len(TEXT) // 2):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    fetch_url(f"{server.url}/stall", part, limits(), silent)
    assert part.read_bytes() == TEXT
    assert server.requests[-1][1]["Range"] == f"bytes={len(TEXT) // 2}-"


REFUSED = {
    "missing": "404 Not Found",
    "page": "a web page",
    "piece-of-page": "a web page",
    "binary": "a binary file",
    "empty": "an empty file",
    "large": "size cap",
    "bomb": "size cap",
    "endless": "size cap",
    "brotli": "not understood",
    "loop": "redirects more than 10 times",
    "to-file": "redirects to file:",
    "to-private": "10.0.0.1, a private address",
    "to-other-loopback": "127.0.0.2, a private address",
    "to-metadata": "a private address",
}


@pytest.mark.parametrize(("path", "settings"), [("page.html", {}), ("page/", {}), ("page", {"web_pages": True})])
def test_a_web_page_is_taken_where_it_was_asked_for(
    server: Server, tmp_path: Path, path: str, settings: dict[str, bool]
) -> None:
    """An address that ends as those of pages do, or the user's word, makes a page a text like any other."""
    artifact = download(tmp_path, f"{server.url}/{path}", **settings)
    assert b"Please log in" in next(iter(contents(artifact).values()))


@pytest.mark.parametrize(("path", "words"), REFUSED.items())
def test_what_cannot_be_used_is_refused_in_one_line(server: Server, tmp_path: Path, path: str, words: str) -> None:
    """Error pages, bombs and redirects to forbidden places are named for what they are, and nothing of them stays."""
    with pytest.raises(BadInput, match=words) as refusal:
        download(tmp_path, f"{server.url}/{path}", max_bytes=1_000_000)
    assert "\n" not in str(refusal.value)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "words"), [("broken", "500 Internal Server Error"), ("to-nonsense", "Invalid URL in location header")]
)
def test_a_server_that_stays_broken_can_be_tried_again_later(
    server: Server, tmp_path: Path, path: str, words: str
) -> None:
    """After the retries the run stops with the code that says so, and has asked that many times."""
    with pytest.raises(Stopped, match=words):
        fetch_url(f"{server.url}/{path}", tmp_path / "part", limits(retries=2), silent)
    assert len(server.requests) == 3


def test_a_server_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    """Connection refused is one line and exit code 75."""
    with pytest.raises(Stopped, match="Connection refused"):
        fetch_url("http://127.0.0.1:9/a.txt", tmp_path / "part", limits(retries=1), silent)
    assert list(tmp_path.iterdir()) == []


def test_a_source_is_pinned_on_first_use_and_a_change_is_reported(server: Server, tmp_path: Path) -> None:
    """A changed source is refused with both hashes until the change is accepted, which pins it anew."""
    url = f"{server.url}/changing"
    first = download(tmp_path, url)
    assert contents(first) == {url.removeprefix("http://"): TEXT}
    assert download(tmp_path, url).path == first.path
    assert len(server.requests) == 1, "a source that is there is not asked for again"
    (first.path / "manifest.json").unlink()
    with pytest.raises(BadInput) as refusal:
        download(tmp_path, url)
    for content in (TEXT, OTHER):
        assert hashlib.sha256(content).hexdigest()[:12] in str(refusal.value)
    assert "download.accept_changed=true" in str(refusal.value)
    second = download(tmp_path, url, accept_changed=True)
    assert contents(second) == {url.removeprefix("http://"): OTHER}
    assert download(tmp_path, url).path == second.path


def test_content_that_an_artifact_holds_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    """A source that was used alone is there when it is used with another."""
    (tmp_path / "note.txt").write_text("A note of mine.")
    download(tmp_path / "root", f"{server.url}/text")
    both = download(tmp_path / "root", f"{server.url}/text", str(tmp_path / "note.txt"))
    assert sorted(contents(both).values()) == sorted([TEXT, b"A note of mine."])
    assert len(server.requests) == 1
    assert leftovers(tmp_path / "root") == []


def test_secrets_in_an_address_are_used_and_never_told(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """User, password and query reach the server, and neither logs nor disk nor messages."""
    caplog.set_level(logging.DEBUG)
    url = server.url.replace("http://", "http://user:pa55word@") + "/secret?token=s3cr3t"
    artifact = download(tmp_path, url)
    assert list(contents(artifact).values()) == [TEXT]
    with pytest.raises(BadInput) as refusal:
        download(tmp_path, url.replace("s3cr3t", "s3cr3t-but-wrong"))
    config = DownloadConfig(corpus=(url,))
    assert DownloadConfig.model_validate(config.model_dump(mode="json", context=WHOLE)) == config
    told = [caplog.text, *capfd.readouterr(), str(refusal.value), config.model_dump_json()]
    told += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    for words in told:
        assert "pa55word" not in words
        assert "s3cr3t" not in words
    with pytest.raises(BadInput, match="in full"):
        resolve(DownloadConfig.model_validate(config.model_dump(mode="json")), Store(tmp_path))


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, server: Server) -> None:
    """Where data/raw cannot be made, the message says so."""
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(SlowburnError, match="cannot write in"):
        download(tmp_path, f"{server.url}/text")


def test_redirects_may_not_lose_encryption() -> None:
    """From https, only https follows; public http stays allowed for who typed http."""
    check_redirect("https://93.184.216.34/a", "https://93.184.216.35/a")
    check_redirect("http://93.184.216.34/a", "http://93.184.216.35/a")
    with pytest.raises(BadInput, match="not followed"):
        check_redirect("https://93.184.216.34/a", "http://93.184.216.34/a")
    assert [is_private(host) for host in ("localhost", "::1", "192.168.1.1", "100.64.0.1", "8.8.8.8")] == [
        *[True] * 4,
        False,
    ]
    assert shown("HTTPS://me:pw@Example.org:8080/a%20b?q=1#f") == "https://example.org:8080/a%20b"
