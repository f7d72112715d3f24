"""`slowburn up`, `down` and `status`: a Prefect server on loopback, a worker, the deployments of prefect.yaml."""

import sys

if __name__ == "__main__":
    from flows.start import run_server_command

    sys.exit(run_server_command("python -m flows.server"))

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TypedDict

import httpx
import psutil

from flows.cli.prefect_database import check_database
from flows.cli.prefect_settings import check_home
from lm.errors import BadInput, SlowburnError
from lm.store.files import read_json, write_json

PROJECT = Path(__file__).parent.parent
HOME = Path(os.environ.get("PREFECT_HOME") or PROJECT / ".prefect").absolute()
STATE_FILE = HOME / "services.json"
POOL = "slowburn"
WORKER = "slowburn-worker"
PROFILE = "slowburn"  # of Prefect's settings: active while the server is up, so that its commands find the server
HOST = "127.0.0.1"
MAX_PORT = 2**16
START_SECONDS = 90.0
STOP_SECONDS = 30.0  # a training run saves within this


class Service(TypedDict):
    """A process that `up` started."""

    pid: int
    command: list[str]


def up() -> int:
    """Start what is not running yet."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # As in a script's background: the worker would inherit it, and ignore the SIGTERM that it passes on as one.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    check_home()
    url = f"http://{HOST}:{_port()}/api"
    services = running()
    if "server" not in services:
        if _answers(url):
            raise SlowburnError(
                f"another Prefect server answers at {url}: stop it, or choose a port with PREFECT_SERVER_API_PORT"
            )
        check_database()
        _check_port(_port())
        print("Starting the server …", flush=True)
        server = _start("server", url, "flows.local_server", "server", "start", "--host", HOST, "--port", str(_port()))
        _wait_for("server", server, lambda: _answers(url))
    _prefect(url, "profile", "create", PROFILE, check=False)
    _prefect(url, "profile", "use", PROFILE)
    _prefect(url, "config", "set", f"PREFECT_API_URL={url}")
    _prefect(url, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    print("Deploying …", flush=True)
    _prefect(url, "deploy", "--all")
    from flows.worker_runs import WorkerRuns  # two seconds of Prefect

    runs = WorkerRuns(url, POOL)
    runs.pause(False)
    if "worker" not in services:
        for name in runs.mark_crashed():
            print(f"{name} is marked as crashed: its process had ended without a report. Run it again to continue.")
        print("Starting the worker …", flush=True)
        worker = _start("worker", url, "prefect", "worker", "start", "--pool", POOL, "--name", WORKER)
        _wait_for("worker", worker, lambda: WORKER in runs.workers())
    print(f"Ready. Look at {url.removesuffix('/api')}, or run a deployment:")
    print("  .venv/bin/prefect deployment run pipeline/quick --watch")
    return 0


def _port() -> int:
    """The port that is asked for. Raises BadInput."""
    asked = os.environ.get("PREFECT_SERVER_API_PORT") or "4200"
    if not (asked.isdecimal() and 0 < int(asked) < MAX_PORT):
        raise BadInput(f"PREFECT_SERVER_API_PORT: got {asked!r}, expected a port, such as 4200")
    return int(asked)


def down() -> int:
    """Stop what `up` started: first the runs, which save before they end, then the worker and the server."""
    services = running()
    if STATE_FILE.exists():
        url = str(read_json(STATE_FILE)["url"])
        _prefect(url, "profile", "use", "ephemeral", check=False)
        if len(services) == 2:
            _end_runs(url)
    for name in ("worker", "server"):
        if name in services:
            print(f"Stopping the {name} …", flush=True)
            if not _stop(services[name]):
                print(f"The {name} did not stop when it was asked to: it was killed.", flush=True)
    STATE_FILE.unlink(missing_ok=True)
    print("Everything is stopped." if services else "Nothing was running.")
    return 0


def _check_port(port: int) -> None:
    """Raise SlowburnError where another program has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SlowburnError(
                f"port {port} cannot be used ({error.strerror}): choose another one with PREFECT_SERVER_API_PORT"
            ) from None


def _end_runs(url: str) -> None:
    """End the worker's runs in order; where the server cannot help any more, the worker's stop must do."""
    from flows.worker_runs import WorkerRuns

    try:
        if ended := WorkerRuns(url, POOL).end(STOP_SECONDS):
            print(f"Ended {ended} run{'s' if ended > 1 else ''}; what was saved is kept.", flush=True)
    except httpx.HTTPError as error:
        print(f"The server did not end the runs ({type(error).__name__}: {error}).", flush=True)


def status() -> int:
    """Say what runs; 0 when both server and worker do."""
    services = running()
    for name in ("server", "worker"):
        print(f"{name:8} {'runs, process ' + str(services[name]) if name in services else 'is not running'}")
    if "server" in services:
        print(f"look at  {str(read_json(STATE_FILE)['url']).removesuffix('/api')}")
    return 0 if len(services) == 2 else 1


def running() -> dict[str, int]:
    """Process ids of what `up` started and is still alive: same id and same command line, so never a stranger.

    The time at which a process was started would be no proof: it moves when the machine's clock is set.
    """
    return {name: service["pid"] for name, service in _noted().items() if _is_alive(service)}


def _noted() -> dict[str, Service]:
    """Process id and command line of each service that `up` started last."""
    return dict(read_json(STATE_FILE)["services"]) if STATE_FILE.exists() else {}


def _is_alive(service: Service) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(service["pid"])
        return process.cmdline() == service.get("command") and process.status() != psutil.STATUS_ZOMBIE
    return False


def _environment(url: str) -> dict[str, str]:
    places = {"PREFECT_HOME": str(HOME), "PREFECT_PROFILES_PATH": str(HOME / "profiles.toml")}
    return os.environ | places | {"PREFECT_API_URL": url}


def _start(name: str, url: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a service in a session of its own, its output in a log file, and note it down so that `down` finds it.

    Its command line is noted as it was asked for: the system shows none yet for a moment after the start.
    """
    command = [sys.executable, "-m", module, *arguments]
    log: IO[bytes]
    with (HOME / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    others = {other: service for other, service in _noted().items() if other in running()}
    write_json(STATE_FILE, {"url": url, "services": others | {name: {"pid": process.pid, "command": command}}})
    return process


def _prefect(url: str, *arguments: str, check: bool = True) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=_environment(url), capture_output=True, text=True)
    if check and done.returncode:
        raise SlowburnError(f"prefect {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}".rstrip())


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def _wait_for(name: str, process: "subprocess.Popen[bytes]", is_ready: Callable[[], bool]) -> None:
    """Wait until a service that was just started is at work. Raises SlowburnError where it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if time.monotonic() > deadline or process.poll() is not None:
            raise SlowburnError(f"the {name} did not start: see {HOME / f'{name}.log'}")
        time.sleep(0.3)


def _stop(pid: int) -> bool:
    """Ask a service and all it started to end, wait, then insist; returns whether asking was enough."""
    with suppress(psutil.NoSuchProcess):
        service = psutil.Process(pid)
        family = [service, *service.children(recursive=True)]
        for process in reversed(family):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return not alive
    return True
