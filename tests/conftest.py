"""What tests share: a tiny corpus, a training of seconds, the pipeline run as a user runs it, a Prefect server."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from lm.cli.plan import MEASURING_BUDGET
from lm.planning.machine import Machine
from lm.planning.machine_record import keep_machine, kept_machine
from lm.planning.measuring import measured_machine
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild

PROJECT = Path(__file__).parent.parent
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run beside each other: threads that wait for threads are slow
DONE = "done"  # the run that `finished` makes
WORDS = """
the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many
""".split()  # noqa: SIM905 a list of eighty strings reads worse
TINY_MODEL = {
    "layers": 1,
    "width": 64,
    "heads": 1,
    "kv_heads": 1,
    "mlp_width": 128,
    "context": 64,
    "batch_sequences": 8,
    "precision": "fp32",
}


def write_corpus(folder: Path, documents: int = 24, seed: int = 1) -> Path:
    """A folder of small texts, always the same for the same seed."""
    generator = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(documents):
        lines = (" ".join(generator.choice(WORDS) for _ in range(10)).capitalize() + "." for _ in range(40))
        (folder / f"{number:02}.txt").write_text("\n".join(lines) + "\n")
    return folder


@dataclass
class Outcome:
    """How a run of the command line ended."""

    code: int
    output: str
    errors: str

    @property
    def last_line(self) -> str:
        return self.errors.strip().splitlines()[-1]


@dataclass
class Workplace:
    """A root of its own for data and artifacts, and the command line to fill it."""

    root: Path
    corpus: Path
    environment: dict[str, str]

    def elsewhere(self, root: Path) -> "Workplace":
        """Another root, where as much is known of this machine as here."""
        known = self.root / "artifacts" / "plans" / "machine.json"
        there = root / known.relative_to(self.root)
        there.parent.mkdir(parents=True)
        shutil.copyfile(known, there)
        return replace(self, root=root, environment=self.environment | {"SLOWBURN_ROOT": str(root)})

    def command(self, *arguments: str, steps: int = 30, model: dict[str, Any] | None = None) -> list[str]:
        settings = [f"train.{name}={value}" for name, value in (TINY_MODEL | {"steps": steps} | (model or {})).items()]
        quick = ["threads=1", "generate.tokens=24", "evaluate.sample_tokens=24", "evaluate.resamples=100"]
        base = [sys.executable, "-m", "flows.pipeline", "--minutes", "0.2"]
        corpus = [] if "--corpus" in arguments else ["--corpus", str(self.corpus)]
        return [*base, *corpus, "--set", *settings, *quick, *arguments]

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """Start the pipeline in a process group of its own, as a shell does for a person: Ctrl-C is not ignored."""
        return subprocess.Popen(
            self.command(*arguments, **options),
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, **options: Any) -> Outcome:
        """Run the pipeline to its end."""
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=240)
        return Outcome(process.returncode, output, errors)

    def record(self, run_id: str) -> dict[str, Any]:
        """What `run.json` says."""
        return dict(json.loads((self.root / "artifacts" / "runs" / run_id / "run.json").read_text()))

    def progress(self, run_id: str) -> str:
        """How far the stage that is at work has come, by what `run.json` says while it works."""
        if not (self.root / "artifacts" / "runs" / run_id / "run.json").exists():
            return ""
        unfinished = self.record(run_id)["unfinished"] or {}
        return str(unfinished["progress"]) if unfinished.get("stage") == "train" else ""

    def checkpoints(self) -> list[int]:
        """The steps of the committed checkpoints of all unfinished trainings, but for that of the start."""
        found = self.root.glob("artifacts/models/.*.partial/checkpoints/step-*.json")
        return sorted(step for path in found if (step := int(path.stem.removeprefix("step-"))))

    def wait_for(self, condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
        """Wait until something holds of a pipeline that is running."""
        deadline = time.monotonic() + 120
        while not condition():
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                raise AssertionError(process.communicate())
            time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server, shared so that each run of the pipeline need not start its own: no schedules here."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", *f"server start --no-services --host 127.0.0.1 --port {port}".split()],
            cwd=PROJECT,
            env=os.environ | {"PREFECT_HOME": str(home), "PREFECT_API_URL": url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{url}/health", timeout=1).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        else:
            raise AssertionError((home / "server.log").read_text())
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once for all tests, by the first of their processes that needs it."""
    own = tmp_path_factory.getbasetemp()  # below that of all, where there are several processes
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def tiny_corpus(shared: Path) -> Path:
    folder = shared / "letters"
    with FileLock(f"{folder}.lock"):
        return folder if folder.exists() else write_corpus(folder)


@pytest.fixture(scope="session")
def machine(shared: Path) -> Machine:
    """What this machine can do."""
    root = shared / "measured"
    with FileLock(f"{root}.lock"):
        measured_machine(Store(root), lambda: SupervisedChild(MEASURING_BUDGET))
    machine = kept_machine(Store(root))
    assert machine
    return machine


def new_workplace(folder: Path, corpus: Path, server: str) -> Workplace:
    """A place to run the pipeline in, against this server: nothing is there yet."""
    root = folder / "root"
    places = {"SLOWBURN_ROOT": str(root), "PREFECT_API_URL": server, "PREFECT_HOME": str(folder / "prefect")}
    return Workplace(root, corpus, os.environ | places)


@pytest.fixture
def workplace(tmp_path: Path, tiny_corpus: Path, prefect_server: str, machine: Machine) -> Workplace:
    """A place to run the pipeline in, against the shared server: nothing is known there but this machine."""
    keep_machine(Store(tmp_path / "root"), machine)
    return new_workplace(tmp_path, tiny_corpus, prefect_server)


@dataclass(frozen=True)
class Finished:
    """A root in which one run, `done`, went through all stages, and what that run said. Not to be changed."""

    root: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def finished(shared: Path, tiny_corpus: Path, prefect_server: str, machine: Machine) -> Finished:
    """One run through all stages, as the command line does it."""
    folder = shared / "finished"
    said = folder / "outcome.json"
    with FileLock(f"{folder}.lock"):
        if not said.exists():
            keep_machine(Store(folder / "root"), machine)
            outcome = new_workplace(folder, tiny_corpus, prefect_server).run("--run-id", DONE)
            said.write_text(json.dumps(asdict(outcome)))
    return Finished(folder / "root", Outcome(**json.loads(said.read_text())))


@pytest.fixture
def workplace_of_done(workplace: Workplace, finished: Finished) -> Workplace:
    """A place of its own where everything is done already: a copy of what `finished` has."""
    shutil.copytree(finished.root, workplace.root, dirs_exist_ok=True)
    return workplace
