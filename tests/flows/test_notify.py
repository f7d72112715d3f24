"""Telling a person: a webhook hears of failures and stops, only where one is named, and holds up nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.conftest import Workplace


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a webhook, and what it has heard."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret-token", heard
    server.shutdown()
    server.server_close()


def test_a_refused_run_is_told_and_a_complete_one_is_not(
    workplace: Workplace, webhook: tuple[str, list[dict[str, Any]]]
) -> None:
    """One message for what a person must look at, none for what went well; the address is shown nowhere."""
    address, heard = webhook
    workplace.environment["SLOWBURN_WEBHOOK"] = address
    assert workplace.run("--run-id", "well", "--until", "clean").code == 0
    assert heard == []
    refused = workplace.run("--run-id", "refused", "--memory", "50MiB")
    assert refused.code == 78
    assert [(message["event"], message["run_id"]) for message in heard] == [("failed", "refused")]
    assert "50 MiB" in heard[0]["text"]
    written = "".join(path.read_text() for path in workplace.root.glob("artifacts/runs/*/run.json"))
    assert "secret-token" not in refused.output + refused.errors + written
