"""The Prefect server that a run is recorded by: a configured one that answers, else one for this run alone.

Prefect would start one by itself, but load all of its server into the run's process for that, 80 MB; and Ctrl-C would
end it beside the run that has yet to tell it how it ended: Prefect then tries to reach it for minutes. Light: Prefect
is not loaded here, so that it loads while its server starts.
"""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flows.cli.prefect_database import check_database
from flows.cli.prefect_settings import answers, check_home, configured_server
from lm.errors import Stopped
from lm.text.addresses import without_secrets

HOST = "127.0.0.1"
APP = "prefect.server.api.server:create_app"
POLL_INTERVAL_SECONDS = 0.1
START_SECONDS = 120.0  # on a very busy machine
STOP_SECONDS = 5.0
PR_SET_PDEATHSIG = 1  # of prctl(2)
# As Prefect sets them for a server that lives as long as one run: without pages, and with all of its parts in it.
LIKE_PREFECTS_OWN = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


def find_server() -> Callable[[], str]:
    """Find or start a server. What is returned waits until it is there, and gives the address of its API."""
    url = configured_server()
    if url and answers(url):
        check_home(writable=False)
        return lambda: url
    if url:
        print(f"No Prefect server answers at {without_secrets(url)}: running with the embedded one.", file=sys.stderr)
    check_home()
    check_database()
    return _start()


def _start() -> Callable[[], str]:
    """Start a server that ends with this process, on Linux even where that is killed."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", APP, "--host", HOST, "--port", str(port), "--lifespan", "on"],
        env=environment | LIKE_PREFECTS_OWN | {"UVICORN_LOG_LEVEL": "error"},
        preexec_fn=_leave_group if os.name == "posix" else None,
    )
    atexit.register(_stop, server)
    return partial(_wait_for, server, f"http://{HOST}:{port}/api")


def _wait_for(server: "subprocess.Popen[bytes]", url: str) -> str:
    """Return the address once the server answers. Raises Stopped where it is not there in time."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(url):
        if time.monotonic() > deadline or server.poll() is not None:
            raise Stopped("Prefect's own server did not start: try again, or add --without-prefect")
        time.sleep(POLL_INTERVAL_SECONDS)
    return url


def _free_port() -> int:
    """A port that nobody else has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _stop(server: "subprocess.Popen[Any]") -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _leave_group() -> None:
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
