"""What `make up` starts, in a place of its own: a server, a worker and the deployments, as people use them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.client.base import PrefectHttpxSyncClient

from lm.supervision.supervisor import START_CHILD
from tests.conftest import PROJECT, TINY_MODEL, free_port, write_corpus

STEPS = 1500  # some seconds of training: long enough to be cancelled in its middle
WAIT_SECONDS = 240.0
HOSTILE = "<img src=x> **bold** [a](javascript:alert(1)) | `code`"


@dataclass
class Services:
    """What `make up` started, in a place of its own."""

    home: Path
    root: Path
    corpus: Path
    environment: dict[str, str]

    def make(self, target: str) -> "subprocess.CompletedProcess[str]":
        """What `make up`, `make status` and `make down` run."""
        return self._run("-m", "flows.server", target)

    def prefect(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run("-m", "prefect", "--no-prompt", *arguments)

    def deploy(self, deployment: str, *options: str, **config: Any) -> "subprocess.CompletedProcess[str]":
        """`prefect deployment run`, with this config on top of a tiny one."""
        return self.prefect(
            "deployment", "run", deployment, "-p", f"config={json.dumps(self.config(**config))}", *options
        )

    def config(self, seed: int = 1, **config: Any) -> dict[str, Any]:
        quick = {
            "minutes": 0.2,
            "checkpoint_seconds": 0.5,
            "download": {"corpus": [str(self.corpus)]},
            "train": TINY_MODEL | {"steps": STEPS, "seed": seed},
            "evaluate": {"sample_tokens": 24, "resamples": 100},
            "generate": {"tokens": 24, "prompts": [HOSTILE]},
        }
        return quick | config

    def api(self, path: str, **filters: Any) -> Any:
        url = f"{self.environment['PREFECT_API_URL']}/{path}"
        with PrefectHttpxSyncClient(timeout=30) as client:
            return (client.post(url, json=filters) if filters else client.get(url)).json()

    def newest_run(self) -> dict[str, Any]:
        return dict(self.api("flow_runs/filter", sort="EXPECTED_START_TIME_DESC", limit=1)[0])

    def record(self, flow_run: dict[str, Any]) -> dict[str, Any]:
        """The `run.json` of a flow run: its folder ends with the flow run's name."""
        (path,) = self.root.glob(f"artifacts/runs/*-{flow_run['name']}/run.json")
        return dict(json.loads(path.read_text()))

    def log(self, flow_run: dict[str, Any]) -> str:
        """What the UI shows of a flow run's log, once that has its end."""
        wanted = {"flow_run_id": {"any_": [flow_run["id"]]}, "task_run_id": {"is_null_": True}}

        def lines() -> list[str]:
            found = self.api("logs/filter", logs=wanted, limit=200, sort="TIMESTAMP_ASC")
            return [entry["message"] for entry in found]

        self.wait_for(lambda: any(line.startswith("Finished in state") for line in lines()))
        return "\n".join(lines())

    def checkpoints(self) -> list[int]:
        found = self.root.glob("artifacts/models/.*.partial/checkpoints/step-*.json")
        return sorted(step for path in found if (step := int(path.stem.removeprefix("step-"))))

    def processes(self) -> list[psutil.Process]:
        """Every process that was started from here: it has our place in its environment."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PREFECT_HOME") == str(self.home) and process.status() != "zombie":
                    found.append(process)
        return found

    def trainings(self) -> list[psutil.Process]:
        """The supervised children that are alive."""
        return [process for process in self.processes() if str(START_CHILD) in process.cmdline()]

    def wait_for(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.home / "worker.log").read_text()[-4000:]
            time.sleep(0.2)

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as in the background of a script
        )


@pytest.fixture(scope="module")
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services of their own for each module, with what it names in ENVIRONMENT."""
    base = tmp_path_factory.mktemp("deployments")
    port = str(free_port())
    environment = (
        os.environ
        | {
            "PREFECT_HOME": str(base / "home"),
            "PREFECT_PROFILES_PATH": str(base / "home" / "profiles.toml"),
            "PREFECT_SERVER_API_PORT": port,
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "SLOWBURN_ROOT": str(base / "root"),
        }
        | getattr(request.module, "ENVIRONMENT", {})
    )
    services = Services(base / "home", base / "root", write_corpus(base / "letters"), environment)
    try:
        up = services.make("up")
        assert up.returncode == 0, up.stdout + up.stderr
        yield services
    finally:
        for process in services.processes():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


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
