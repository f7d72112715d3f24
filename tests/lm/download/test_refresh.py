"""Looking for new text: a source that is the same costs a question, one that has changed is fetched and pinned."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lm.download.config import DownloadConfig
from lm.download.refresh import refresh
from lm.download.stage import fetch, key_of, resolve
from lm.errors import Stopped
from lm.progress import silent
from lm.store.artifacts import Store

LINE = "It was a bright cold day, and the clocks were striking.\n"


class Page:
    """A text on a web server that may change, and what was asked of it."""

    def __init__(self, etag: bool) -> None:
        self.text, self.etag, self.asked = LINE * 100, etag, list[str]()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def _head(self) -> bytes:
                body = page.text.encode()
                page.asked.append(self.command)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                if page.etag:
                    self.send_header("ETag", f'"{hash(page.text)}"')
                self.end_headers()
                return body

            def do_HEAD(self) -> None:
                self._head()

            def do_GET(self) -> None:
                self.wfile.write(self._head())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/text.txt"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(params=[True, False], ids=["etag", "no-etag"])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    page = Page(etag=request.param)
    yield page
    page.server.shutdown()
    page.server.server_close()


def test_only_what_has_changed_is_fetched_and_then_trained_on(page: Page, tmp_path: Path) -> None:
    """Same content, same key; changed content, another key, without a question to the user; nothing fetched twice."""
    store, config = Store(tmp_path), DownloadConfig(corpus=(page.address,))
    before = key_of(fetch(config, resolve(config, store), store, silent))
    assert refresh(config, store, silent) == []  # the first time the content must be looked at: its name is unknown
    page.asked.clear()
    assert refresh(config, store, silent) == []
    assert page.asked == (["HEAD"] if page.etag else ["HEAD", "GET"])
    assert key_of(resolve(config, store)) == before

    page.text += "And then it rained.\n"
    assert [name.rpartition("/")[2] for name in refresh(config, store, silent)] == ["text.txt"]
    corpus = resolve(config, store)
    assert key_of(corpus) != before
    page.asked.clear()
    assert key_of(fetch(config, corpus, store, silent)) == key_of(corpus)
    assert page.asked == []
    assert refresh(config, store, silent) == []


def test_a_network_that_is_gone_stops_and_changes_nothing(page: Page, tmp_path: Path) -> None:
    """Offline the check says so in one line, and what is pinned stays."""
    store, config = Store(tmp_path), DownloadConfig(corpus=(page.address,), retries=0)
    before = key_of(fetch(config, resolve(config, store), store, silent))
    page.server.shutdown()
    page.server.server_close()
    with pytest.raises(Stopped, match="check the network"):
        refresh(config, store, silent)
    assert key_of(resolve(config, store)) == before
