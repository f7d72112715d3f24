"""What a computer may be like where Slowburn is run: each case ends in a run, or in one clear line with what to do.

`python -m benchmarks.try_surroundings` runs them all and writes what happened to docs/reference/surroundings.md.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT, Outcome
from tests.faults.surroundings import (
    ALONE,
    DATA_ONLY,
    NO_SERVER,
    Answering,
    Surroundings,
    as_stranger,
    linux_only,
    on_terminal,
    posix_only,
    records,
)

pytestmark = pytest.mark.operations


@pytest.mark.parametrize("proxy", [NO_SERVER, "socks5://127.0.0.1:9"])
def test_a_proxy_that_is_not_there(here: Surroundings, proxy: str) -> None:
    """A proxy is configured, and no exceptions: what is on this machine is reached without it."""
    here.environment |= dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"], proxy)
    here.environment["PREFECT_API_URL"] = here.place.environment["PREFECT_API_URL"]
    assert here.run("run", "--until", "download").code == 0


def test_a_proxy_that_answers_with_an_error(here: Surroundings) -> None:
    """A proxy that answers 503: nothing that is meant for this machine is sent to it."""
    with Answering(503) as proxy:
        here.environment |= dict.fromkeys(["HTTP_PROXY", "ALL_PROXY"], proxy.url)
        here.environment["PREFECT_API_URL"] = here.place.environment["PREFECT_API_URL"]
        outcome = here.run("run", "--until", "download")
    assert outcome.code == 0
    assert "No Prefect server" not in outcome.errors
    assert proxy.heard == []


@posix_only
def test_the_reader_of_a_pipe_goes(here: Surroundings) -> None:
    """`… | head -1`: the run goes on to its end, what nobody reads is dropped."""
    assert here.run(*ALONE, *DATA_ONLY, shell="$SLOWBURN | head -1").code == 0
    assert records(here.place) == ["completed"]


@posix_only
def test_the_reader_of_a_list_goes(here: Surroundings) -> None:
    """`slowburn inspect | true`: it ends, and that is no failure."""
    assert here.run("inspect", shell="$SLOWBURN | true").code == 0


@posix_only
@pytest.mark.parametrize(
    "outputs", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"]
)
def test_outputs_that_take_nothing(here: Surroundings, outputs: str) -> None:
    """Outputs that are closed or full: the run does not depend on them."""
    assert here.run(*ALONE, "--until", "download", shell=f"$SLOWBURN {outputs}").code == 0
    assert records(here.place) == ["completed"]


@posix_only
def test_a_list_that_cannot_be_written(here: Surroundings) -> None:
    """`slowburn inspect > /dev/full`: what was asked for was not delivered, and that is said."""
    outcome = here.run("doctor", "--json", shell="$SLOWBURN > /dev/full")
    assert outcome.code == 75
    assert outcome.errors.count("\n") == 1
    assert "disk is full" in outcome.errors


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16"])
def test_an_output_in_another_encoding(here: Surroundings, tmp_path: Path, encoding: str) -> None:
    """An output whose encoding lacks letters: they are written as escapes."""
    folder = shutil.copytree(here.place.corpus, tmp_path / "notes")
    (folder / "картинка.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90))
    here.environment["PYTHONIOENCODING"] = encoding
    outcome = here.run(*ALONE, "--until", "download", "--corpus", str(folder))
    assert outcome.code == 0, outcome
    assert encoding == "utf-16" or "\\u043a" in outcome.output


@linux_only
@pytest.mark.parametrize("kibibytes", ["8000000", "3000000"])
def test_a_hard_limit_of_data(here: Surroundings, kibibytes: str) -> None:
    """`ulimit -d`, which nobody here may raise: it stays as it is."""
    limited = f"ulimit -d {kibibytes}; $SLOWBURN"
    drop = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", "bash", "-c"]
    if os.geteuid() == 0:
        limited = " ".join(drop) + f" 'ulimit -d {kibibytes}; \"$@\"' bash $SLOWBURN"
    assert here.run(*ALONE, *DATA_ONLY, shell=limited).code == 0


def test_a_server_with_a_password(here: Surroundings) -> None:
    """A Prefect server that wants a password: which setting holds it is said."""
    with Answering(401, fine=["/api/health"]) as server:
        here.environment["PREFECT_API_URL"] = f"{server.url}/api"
        outcome = here.run("run", "--until", "download")
    assert outcome.code == 1
    assert "PREFECT_API_AUTH_STRING" in outcome.last_line


@linux_only
@pytest.mark.parametrize("where", ["a folder", "a file in it", "a file in a folder", "the root", "here"])
def test_a_name_that_is_no_utf8(here: Surroundings, tmp_path: Path, where: str) -> None:
    """A name that is no UTF-8: the name is shown, with what to do."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    shutil.copytree(here.place.corpus, folder)
    named = {"a folder": folder, "a file in it": folder / "00.txt"}.get(where, here.place.corpus)
    cwd = PROJECT
    if where == "a file in a folder":
        named = shutil.copytree(here.place.corpus, tmp_path / "notes")
        (named / "00.txt").rename(os.fsdecode(os.fsencode(named) + b"/caf\xe9.txt"))
    if where == "the root":
        here.environment["SLOWBURN_ROOT"] = str(folder)
    if where == "here":
        cwd, named = folder, Path("00.txt")
        here.environment["PYTHONPATH"] = str(PROJECT)
    outcome = here.run(*ALONE, "--until", "download", "--corpus", str(named), cwd=cwd)
    assert outcome.code == 2, outcome
    assert "caf\\xe9" in outcome.last_line
    assert "rename it" in outcome.last_line


@posix_only
@pytest.mark.parametrize("more", [("--without-prefect",), ()], ids=["without Prefect", "with Prefect"])
def test_cron(here: Surroundings, tmp_path: Path, more: tuple[str, ...]) -> None:
    """A scheduler's environment, with nothing in it, and `/` as the folder: Prefect's settings are the project's."""
    where = [sys.executable, "-c", "import flows; print(*flows.__path__)"]
    installed = subprocess.run(where, cwd="/", env={}, capture_output=True, text=True).stdout.strip()
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: here.environment[name] for name in ("SLOWBURN_ROOT", "PREFECT_HOME")}
    here.environment = kept | {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    if installed != str(PROJECT / "flows"):  # the environment is another checkout's
        here.environment["PYTHONPATH"] = str(PROJECT)
    outcome = here.run(*DATA_ONLY, *more, module="flows.pipeline", cwd="/")
    assert outcome.code == 0, outcome
    assert "telemetry" not in outcome.errors
    assert Path(kept["PREFECT_HOME"]).exists() is not bool(more)
    assert not (home / ".prefect").exists()


def test_schedules_say_their_time_zone() -> None:
    """02:00 is nowhere the same moment: every schedule of prefect.yaml says whose it is."""
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    schedules = [schedule for deployment in deployments for schedule in deployment.get("schedules", ())]
    assert schedules
    assert all("timezone" in schedule for schedule in schedules)


@posix_only
@pytest.mark.parametrize(
    "arguments",
    [("plan",), ("inspect",), ("promote", "newest"), ("rollback",), ("verify",), ("prune", "--disk", "1GB"), ALONE],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("root", ["is a file", "is read-only"])
def test_a_root_that_cannot_be_written(
    here: Surroundings, open_folder: Path, root: str, arguments: tuple[str, ...]
) -> None:
    """A root that cannot be a folder, or not be written in: the reason and another root are named."""
    options: dict[str, Any] = {}
    place = open_folder / "root"
    if root == "is a file":
        place.write_text("")
    else:
        place.mkdir(mode=0o555)
        options = as_stranger(open_folder) if os.geteuid() == 0 else {}
    here.environment |= {"SLOWBURN_ROOT": str(place), "HOME": str(open_folder / "home of nobody")}
    corpus = ["--corpus", "tiny-shakespeare"] if arguments in (ALONE, ("plan",)) else []
    outcome = here.run(*arguments, *corpus, **options)
    assert outcome.errors.count("\n") <= 2, outcome
    if outcome.code and "nothing" not in outcome.errors and "no model" not in outcome.errors:
        assert "SLOWBURN_ROOT" in outcome.errors, outcome


@posix_only
def test_another_users_files(here: Surroundings, open_folder: Path) -> None:
    """What another user made can be used; where that user does not allow it, it is said whose it is."""
    root = here.environment["SLOWBURN_ROOT"] = str(open_folder / "root")
    made = here.run(*ALONE, "--until", "tokenize", "--minutes", "0.2", preexec_fn=lambda: os.umask(0o022) and None)
    assert made.code == 0, made
    artifacts = [path for path in Path(root).glob("data/*/*") if (path / "manifest.json").exists()]
    files = [file for folder in artifacts for file in folder.rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o644}, "by the umask, every file"
    stranger = as_stranger(open_folder)
    here.environment["HOME"] = str(open_folder / "home of nobody")
    assert here.run("verify", **stranger).code == 0
    tokenizer = next(file for file in files if file.name == "tokenizer.model")
    tokenizer.chmod(0o600)
    outcome = here.run("verify", **stranger)
    assert outcome.code == 1
    assert "may not be read by this user" in outcome.output + outcome.errors
    assert "rm -r" not in outcome.output + outcome.errors
    (tokenizer.parent / "manifest.json").chmod(0o600)
    outcome = here.run("inspect", tokenizer.parent.name, **stranger)
    assert "delete" not in outcome.output + outcome.errors


@posix_only
def test_prefects_folder_of_another_user(here: Surroundings, open_folder: Path) -> None:
    """Prefect's folder belongs to another user: another folder, or doing without, is advised."""
    home = open_folder / "prefect"
    home.mkdir(mode=0o700)
    root = open_folder / "root"
    root.mkdir()
    root.chmod(0o777)
    stranger = as_stranger(open_folder)
    here.environment |= {"PREFECT_HOME": str(home), "SLOWBURN_ROOT": str(root), "HOME": str(root)}
    outcome = here.run("run", "--until", "download", "--corpus", "python-docs", **stranger)
    assert outcome.code == 1
    assert "PREFECT_HOME" in outcome.last_line
    assert "--without-prefect" in outcome.last_line


def listens(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal by now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1)


@linux_only
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130), (signal.SIGHUP, 75)])
@pytest.mark.parametrize("module", ["flows", "flows.pipeline", "lm"])
def test_a_signal_while_modules_load(
    here: Surroundings, module: str, number: signal.Signals, code: int, times: int
) -> None:
    """Ctrl-C or SIGTERM in the first second, once or twice: one line and the exit code that means it."""
    words = {"flows": ["run"], "flows.pipeline": [], "lm": ["plan"]}[module]
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words, "--corpus", str(here.place.corpus)],
        cwd=PROJECT,
        env=here.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    while not listens(process.pid, signal.SIGTERM):
        time.sleep(0.002)
    for _ in range(times):
        with suppress(ProcessLookupError):
            process.send_signal(number)
        time.sleep(0.01)
    output, errors = process.communicate(timeout=60)
    here.tell(Outcome(process.returncode, output, errors))
    assert process.returncode == code, errors
    assert errors.strip().startswith("interrupted")
    assert errors.strip().count("\n") == 0


SPY = """
import os, sys
def spy(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    elif event == "socket.getaddrinfo":
        host = str(arguments[0])
    else:
        return
    if host not in ("127.0.0.1", "::1", "localhost", "None"):
        with open(os.environ["SPY"], "a") as log:
            log.write(f"{host} by {sys.orig_argv}\\n")
sys.addaudithook(spy)
"""


@posix_only
@pytest.mark.parametrize("command", ["run", "retrain", "prefect"])
def test_nothing_leaves_the_machine(here: Surroundings, tmp_path: Path, command: str) -> None:
    """A fresh clone on a terminal: no notice of usage data, and no request to the outside."""
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    log = tmp_path / "asked.txt"
    environment = here.environment | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "spy"), here.environment.get("PYTHONPATH", "")]),
        "SPY": str(log),
        "PREFECT_HOME": str(tmp_path / "fresh"),
        "PREFECT_API_URL": here.place.environment["PREFECT_API_URL"],
    }
    words = {
        "run": ["-m", "flows", "run", "--until", "download", "--corpus", str(here.place.corpus)],
        "retrain": ["-m", "flows.retrain", "--memory", "50MiB", "--corpus", str(here.place.corpus)],
        "prefect": ["-m", "prefect", "--no-prompt", "deployment", "ls"],
    }[command]
    if command == "prefect" and not os.environ.get("DO_NOT_TRACK"):
        pytest.skip("this environment was not made by `make setup`")
    code, said = on_terminal([sys.executable, *words], environment)
    here.tell(Outcome(code, said, ""))
    assert code == {"run": 0, "retrain": 78, "prefect": 0}[command], said
    assert "anonymous" not in said
    assert not log.exists(), log.read_text()
