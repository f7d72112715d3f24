"""How odd surroundings are tried: a command is run in them, and what became of it is kept for a table."""

import json
import os
import pty
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, TINY_MODEL, Outcome, Workplace

HAPPENED = "happened"  # the name under which a test records a row of the table
NOBODY = 65534
NO_SERVER = "http://127.0.0.1:9"
ALONE = ("run", "--without-prefect")
DATA_ONLY = ("--until", "clean")
TRAINED = (
    *("--until", "train", "--minutes", "0.2", "--set", "threads=1", "train.steps=20"),
    *(f"train.{name}={value}" for name, value in TINY_MODEL.items()),
)
posix_only = pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="of Linux")


class Surroundings:
    """Runs commands, and keeps for the table what became of them."""

    def __init__(self, place: Workplace, record: Callable[[str, object], None], case: str) -> None:
        self.place, self._record, self._case = place, record, case
        self.environment = {**place.environment}
        self.environment.pop("PREFECT_API_URL")

    def run(self, *arguments: str, module: str = "flows", shell: str = "", **options: Any) -> Outcome:
        """Run a command of ours, in a shell's line where one is given; `$SLOWBURN` stands for the command in it."""
        command = [sys.executable, "-m", module, *arguments]
        if "run" in arguments or module == "flows.pipeline":
            command += [] if "--corpus" in arguments else ["--corpus", str(self.place.corpus)]
        if shell:
            script = shell.replace("$SLOWBURN", '"$@"')
            command = ["bash", "-o", "pipefail", "-c", script, "bash", *command]
        usual: dict[str, Any] = {
            "cwd": PROJECT, "env": self.environment, "stdin": subprocess.DEVNULL, "timeout": 240
        }  # fmt: skip
        done = subprocess.run(command, capture_output=True, **usual | options)
        outcome = Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        self.tell(outcome)
        return outcome

    def tell(self, outcome: Outcome) -> None:
        """Keep for the table how it ended, and check what holds of every ending."""
        said = (outcome.errors.strip() or outcome.output.strip() or "nothing").splitlines()[-1]
        self._record(HAPPENED, json.dumps([self._case, outcome.code, said]))
        assert "Traceback" not in outcome.output + outcome.errors, outcome.errors


def records(place: Workplace) -> list[str]:
    """The status of every run."""
    return [json.loads(path.read_text())["status"] for path in place.root.glob("artifacts/runs/*/run.json")]


class Answering:
    """A web server on loopback that answers with one status, but for some paths, and keeps what it was asked for."""

    def __init__(self, status: int, fine: Sequence[str] = ()) -> None:
        heard = self.heard = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                heard.append(self.path)
                self.send_response(200 if self.path in fine else status)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"true")

            do_GET = do_POST = do_CONNECT = answer  # noqa: N815 http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def as_stranger(folder: Path) -> dict[str, Any]:
    """How to start a process as a user to whom none of our files belong; skips where that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    interpreter = Path(sys.executable)
    needed = (interpreter, *interpreter.resolve().parents, *PROJECT.parents, PROJECT)
    if any(not path.stat().st_mode & stat.S_IXOTH for path in needed):
        pytest.skip("others may not use this checkout, or its Python")
    home = folder / "home of nobody"
    home.mkdir(exist_ok=True)
    os.chown(home, NOBODY, NOBODY)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def on_terminal(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command on a terminal, with the telltale variables of an automatic test taken away."""
    ours, theirs = pty.openpty()
    hidden = ("CI", "GITHUB_ACTIONS", "DO_NOT_TRACK")
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={"TERM": "xterm"} | {name: value for name, value in environment.items() if name not in hidden},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:
            break
        if not block:
            break
        said += block
    os.close(ours)
    return process.wait(60), said.decode(errors="replace")
