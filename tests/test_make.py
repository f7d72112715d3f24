"""`make`, and `python make.py` where there is none: what reaches the work, and when `.venv` is made anew."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).parent.parent
FILES = ("make.py", "make_venv.py", "Makefile", "pyproject.toml", "constraints.txt", "lm/local_only.py")
# Stands for the console script: says what it was given, or waits for a signal and ends as a training that was stopped.
STUB = """#!{python}
import os, signal, sys, time
print(*sys.argv[1:], sep="\\n", flush=True)
if "wait" in sys.argv:
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, frame: os._exit(75))
    print("ready", flush=True)
    time.sleep(60)
"""

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has neither exec nor these signals")


def load(checkout: Path) -> ModuleType:
    """The module that sets a checkout up."""
    spec = importlib.util.spec_from_file_location("make_venv_of_a_test", checkout / "make_venv.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that is set up: the console script is a stub, nothing is installed."""
    for name in ("PYTHON", "TORCH_INDEX", "MAKEFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    (checkout / "lm").mkdir()
    for name in FILES:
        shutil.copy(PROJECT / name, checkout / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    script = checkout / ".venv" / "bin" / "slowburn"
    script.parent.mkdir(exist_ok=True)
    script.write_text(STUB.format(python=sys.executable))
    script.chmod(0o755)
    (checkout / ".venv" / "slowburn-run.stamp").write_text(load(checkout).fingerprint())
    return checkout


def make(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "make.py", *arguments]
    return subprocess.run(command, cwd=checkout, env=os.environ | environment, capture_output=True, text=True)


def test_make_alone_lists_the_targets(checkout: Path) -> None:
    """Each target of make.py with a line of its own; the Makefile has the same ones."""
    listed = make(checkout)
    assert listed.returncode == 0
    words = {line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")}
    (targets,) = (line for line in (PROJECT / "Makefile").read_text().splitlines() if line.startswith("TARGETS ="))
    assert set(targets.removeprefix("TARGETS =").split()) == words
    assert make(checkout, "rnu").returncode == 2


@posix_only
@pytest.mark.parametrize("word", ["my notes", "Bob's diary.txt", r"C:\Users\me\notes", '"quoted"', "a  b", "$HOME", ""])
def test_arguments_are_not_split_again(checkout: Path, word: str) -> None:
    """What a shell made one word stays one."""
    done = make(checkout, "run", "--corpus", word)
    assert done.stdout.split("\n")[:-1] == ["run", "--corpus", word], done.stderr


@posix_only
@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_splits_its_arguments_as_a_shell_does(checkout: Path) -> None:
    """ARGS is the one place where words are quoted: by the shell that make starts, once."""
    arguments = """--corpus "my notes" 'C:\\Users\\me' --set a=1 b=2"""
    command = ["make", "run", f"ARGS={arguments}", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    expected = ["run", "--corpus", "my notes", "C:\\Users\\me", "--set", "a=1", "b=2"]
    assert done.stdout.splitlines() == expected, done.stderr


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP] if os.name == "posix" else [])
def test_a_signal_reaches_the_work(checkout: Path, number: signal.Signals) -> None:
    """A batch system stops what it started: the training hears it, saves, and its exit code is passed on."""
    command = [sys.executable, "make.py", "run", "wait"]
    process = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    for line in process.stdout:
        if line == "ready\n":
            break
    process.send_signal(number)
    assert process.wait(10) == 75


def test_an_interpreter_that_does_not_suit_is_one_line(checkout: Path) -> None:
    """PYTHON that names none, or one that is too old, ends with what was expected."""
    done = make(checkout, "setup", PYTHON="no-such-python")
    assert done.returncode == 1
    assert done.stderr == (
        "make.py: PYTHON is no-such-python, expected Python 3.11 to 3.14: install one, or set PYTHON to it\n"
    )


class Recorded:
    """A checkout's set-up, whose steps are written down instead of done."""

    def __init__(self, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.venv: Any = load(checkout)
        self.steps: list[str] = []
        monkeypatch.setattr(self.venv, "create", lambda folder: self.steps.append("create"))
        monkeypatch.setattr(self.venv, "pip", lambda *arguments: self.steps.append("install"))

    def install(self) -> list[str]:
        self.venv.install(())
        return self.steps


@posix_only
def test_no_program_of_the_environment_sends_statistics(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/prefect` neither, which does by itself; and none reaches this machine through a proxy."""
    (checkout / ".venv" / "slowburn-run.stamp").unlink()
    Recorded(checkout, monkeypatch).install()
    script = "import os; print(os.environ['DO_NOT_TRACK'], os.environ['NO_PROXY'])"
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "example.org"}
    done = subprocess.run(
        [checkout / ".venv/bin/python", "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["1", "example.org,127.0.0.1,localhost,::1"], done.stderr


def test_what_is_set_up_stays_as_it_is(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Recorded(checkout, monkeypatch).install() == []


def test_an_environment_without_pip_is_made_anew(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that was interrupted as it was made, or that another tool made."""
    (checkout / ".venv" / "slowburn-run.stamp").unlink()
    assert Recorded(checkout, monkeypatch).install() == ["create", "install"]
    assert "has no pip" in capsys.readouterr().out


def test_the_environment_of_a_copied_checkout_is_made_anew(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its scripts name the folder that it was made in: they would run the other checkout's code."""
    copy = checkout.with_name("copy")
    shutil.copytree(checkout, copy, symlinks=True)
    assert Recorded(copy, monkeypatch).install() == ["create", "install"]
    assert str(checkout / ".venv") in capsys.readouterr().out


def test_another_version_than_PYTHON_asks_for_is_made_anew(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    """And kept where PYTHON asks for nothing, whatever runs make.py."""
    file = checkout / ".venv" / "pyvenv.cfg"
    here = ".".join(map(str, sys.version_info[:2]))
    other = "3.12" if here != "3.12" else "3.13"
    file.write_text(file.read_text().replace(f"version = {here}", f"version = {other}"))
    setup = Recorded(checkout, monkeypatch)
    (checkout / ".venv" / "slowburn-run.stamp").write_text(setup.venv.fingerprint())
    assert setup.install() == []
    monkeypatch.setenv("PYTHON", sys.executable)
    assert setup.install() == ["create", "install"]


def test_changed_dependencies_are_installed_and_nothing_else_is(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of linters stand in the same file as the dependencies: they install nothing."""
    file = checkout / "pyproject.toml"
    file.write_text(file.read_text().replace("line-length = 120", "line-length = 119"))
    assert Recorded(checkout, monkeypatch).install() == []
    file.write_text(file.read_text().replace('"click>=', '"click>=0'))
    monkeypatch.setattr("subprocess.run", lambda *a, **b: subprocess.CompletedProcess(a, 0))  # pip is there
    assert Recorded(checkout, monkeypatch).install() == ["install"]


@posix_only
def test_pip_installs_into_the_environment_whatever_is_configured(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where pip is told to install for the user; what went wrong is said in pip's words and in one line."""
    name = "tiny_package-1.0"
    with zipfile.ZipFile(checkout / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_package.py", "")
        wheel.writestr(f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n")
        wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    venv = load(checkout)
    venv.create(venv.VENV)
    for variable, value in {"PIP_USER": "1", "PIP_TARGET": str(checkout / "elsewhere")}.items():
        monkeypatch.setenv(variable, value)
    venv.pip("install", "--no-index", "--no-deps", str(checkout / f"{name}-py3-none-any.whl"))
    assert subprocess.run([venv.PYTHON, "-c", "import tiny_package"]).returncode == 0
    with pytest.raises(SystemExit, match="setup: pip failed: the package index lacks a version"):
        venv.pip("install", "--no-index", "no-such-package-of-ours")


@posix_only
def test_set_up_ends_with_the_wrapper(checkout: Path) -> None:
    """SIGTERM while pip works leaves no pip behind."""
    stub = checkout / ".venv" / "bin" / "python"
    stub.unlink()
    stub.write_text(f"#!{sys.executable}\nimport os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    stub.chmod(0o755)
    script = "import make_venv; make_venv.pip('install', 'anything')"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=checkout)
    pid = checkout / "pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.02)
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
