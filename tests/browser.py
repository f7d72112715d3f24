"""A real browser for tests, driven over the DevTools protocol: what it shows, and whom it asks."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.connection import Connection

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = Path(__file__).parent.parent / ".ci" / "output"  # for people to look at; not under version control
START_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.2


class Tab:
    """A browser tab."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._last = 0
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        self.socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv(timeout=START_SECONDS))).get("id") != self._last:
            self.events.append(message)
        assert "error" not in message, message
        return dict(message["result"])

    def open(self, url: str) -> None:
        """Go to a page, and return when it is loaded."""
        before = len(self.named("Page.loadEventFired"))
        self.call("Page.navigate", url=url)
        while len(self.named("Page.loadEventFired")) == before:
            self.events.append(json.loads(self.socket.recv(timeout=START_SECONDS)))

    def wait_for(self, expression: str) -> None:
        """Return when a JavaScript expression holds: pages that are drawn by a script come later than their load."""
        deadline = time.monotonic() + START_SECONDS
        while not self.value(expression):
            assert time.monotonic() < deadline, f"{expression}\n{self.value('document.body.innerText')}"
            time.sleep(POLL_INTERVAL_SECONDS)

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def named(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]

    def requested(self) -> list[str]:
        """The addresses that were asked for, but for content that was in the page already."""
        urls = [event["request"]["url"] for event in self.named("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def photograph(self, name: str) -> None:
        """Keep what the window shows as a PNG."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{name}.png").write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def open_browser(profile: Path) -> Iterator[str]:
    """A browser while the context lasts; the address of its one tab."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [str(CHROMIUM), *options, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(profile)},
    )
    try:
        yield _address(profile)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _address(profile: Path) -> str:
    """Where the browser's one tab listens, once it does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            port = (profile / "DevToolsActivePort").read_text().split()[0]
            tabs = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
            return str(next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"])
        except (OSError, IndexError, StopIteration, httpx.HTTPError):
            time.sleep(0.1)
    raise TimeoutError("the browser did not start")
