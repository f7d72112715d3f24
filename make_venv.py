"""The environment of a checkout: which Python makes `.venv`, when it is made, and what is installed in it.

Needs only Python's standard library.
"""

from __future__ import annotations  # an old interpreter must get far enough to find a newer one

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCK = "constraints.txt"
LOCAL_ONLY = "slowburn_local_only"  # a module that every Python of `.venv` runs as it starts
VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14))  # that pyproject.toml allows
CHOSEN = "SLOWBURN_MAKE_CHOSEN"  # in the environment of the interpreter that this one chose instead of itself
TORCH_INDEX = "TORCH_INDEX"  # where pip takes torch from: a CPU or a CUDA build
CPU_BUILD = "https://download.pytorch.org/whl/cpu"
ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")  # where pip would install to, instead of into `.venv`
REASONS = {  # of a failed install: what pip says, and what that means
    "No space left on device": "the disk is full: free some gigabytes, then run this again",
    "No matching distribution found": "the package index lacks a version for this Python or this machine",
    "connection broken": "the package index was not reached: run this again, what was downloaded is kept",
    "Temporary failure in name resolution": "the package index was not reached: is there a network?",
    "ProxyError": "the package index was not reached through the proxy that is configured",
}


def suits(program: str) -> bool:
    """Whether this is a Python that Slowburn can be set up with."""
    done = subprocess.run([program, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    return done.returncode == 0 and tuple(map(int, done.stdout.split())) in VERSIONS


def choose_python() -> None:
    """Go on in the Python that PYTHON names, else in this one where it suits, else in the newest that does."""
    asked = os.environ.get("PYTHON")
    here = sys.version_info[:2] in VERSIONS
    if os.environ.pop(CHOSEN, None) or (here and not asked):
        return
    names = [asked] if asked else [f"python{major}.{minor}" for major, minor in reversed(VERSIONS)]
    found = next((path for path in map(shutil.which, names) if path and suits(path)), None)
    if found is None:
        first, last = (".".join(map(str, version)) for version in (VERSIONS[0], VERSIONS[-1]))
        got = f"PYTHON is {asked}" if asked else f"this is Python {version_text()}, and no other was found"
        sys.exit(f"make.py: {got}, expected Python {first} to {last}: install one, or set PYTHON to it")
    if not (here and Path(found).samefile(sys.executable)):
        command = [found, *sys.argv]
        os.environ[CHOSEN] = found
        sys.exit(subprocess.call(command)) if os.name == "nt" else os.execv(found, command)


def install(groups: tuple[str, ...]) -> None:
    """Create `.venv` and install the project and these groups, as pinned, unless that is done already."""
    stamp = VENV / f"slowburn-{'-'.join(('run', *groups))}.stamp"
    why = why_not_usable()
    if not why and stamp.exists() and stamp.read_text() == fingerprint():
        return
    if why or not runs(PYTHON, "-m", "pip", "--version"):
        why = why or "the one that is there has no pip"
        print(f"Creating .venv ({why}) with Python {version_text()}, {sys.executable} …", flush=True)
        create(VENV)
    if index := os.environ.get(TORCH_INDEX):
        print(f"Installing torch from {index} …", flush=True)
        pip("install", next(word for word in locked() if word.startswith("torch==")), "--index-url", index)
    elif sys.platform.startswith("linux") and not Path("/proc/driver/nvidia").exists():
        print(f"No NVIDIA card is here. {TORCH_INDEX}={CPU_BUILD} make setup takes a torch without CUDA:")
        print("  3.7 GB less on disk, 0.6 GiB less in memory.")
    print("Installing pinned packages; once, a few minutes …", flush=True)
    wanted = read_project()["dependency-groups"]
    pip("install", "-e", ".", *(word for group in groups for word in wanted[group]), "-c", LOCK)
    stay_local()
    stamp.write_text(fingerprint())


def stay_local() -> None:
    """Have every program of `.venv` send no statistics, `prefect` too, which does unless its environment forbids it."""
    for packages in VENV.glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"):
        shutil.copyfile(ROOT / "lm" / "local_only.py", packages / f"{LOCAL_ONLY}.py")
        (packages / f"{LOCAL_ONLY}.pth").write_text(f"import {LOCAL_ONLY}; {LOCAL_ONLY}.stay_local()\n")


def why_not_usable() -> str:
    """Say why the `.venv` that is there cannot be used; empty where it can. Reads only its pyvenv.cfg."""
    if not PYTHON.exists():
        return "there is none" if not VENV.exists() else "the one that is there has lost its Python"
    facts = venv_facts()
    made_in = facts.get("command", "").rpartition(" -m venv ")[2]
    if made_in and not made_in.endswith(str(VENV)):
        return f"the one that is there was made as {made_in}"
    version = facts.get("version", "?")
    if venv_version() not in VERSIONS:
        return f"the one that is there has Python {version}"
    if os.environ.get("PYTHON") and venv_version() != sys.version_info[:2]:
        return f"the one that is there has Python {version}, PYTHON asks for another"
    return ""


def runs(*command: str | Path) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(list(map(str, command)), capture_output=True).returncode == 0


def create(folder: Path) -> None:
    """Make an environment with pip in it. Ends the program where this Python cannot."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(
            f"{made.stdout}{made.stderr}\nsetup: {sys.executable} cannot make an environment with pip: install its "
            f"venv module (Debian and Ubuntu: python{version_text(2)}-venv), or set PYTHON to another Python"
        )


def venv_facts() -> dict[str, str]:
    """What `.venv` says of how it was made."""
    lines = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines() if (VENV / "pyvenv.cfg").exists() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def venv_version() -> tuple[int, ...]:
    """Major and minor version of `.venv`'s Python."""
    return tuple(int(number) for number in venv_facts().get("version", "0").split(".")[:2])


def version_text(numbers: int = 3) -> str:
    """The version of the interpreter that runs this, as people write it."""
    return ".".join(map(str, sys.version_info[:numbers]))


def fingerprint() -> str:
    """The hash of all that decides what is installed."""
    project = read_project()
    parts = [project["project"], project["dependency-groups"], project["build-system"], venv_version()]
    files = [(ROOT / name).read_text(encoding="utf-8") for name in (LOCK, "lm/local_only.py")]
    text = json.dumps(parts) + "".join(files) + os.environ.get(TORCH_INDEX, "")
    return hashlib.sha256(text.encode()).hexdigest()


def read_project() -> dict[str, Any]:
    """What pyproject.toml says."""
    import tomllib  # from Python 3.11: an older one has given way by now

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked() -> list[str]:
    """The pinned versions, as requirements."""
    return [line.split(" ;")[0] for line in (ROOT / LOCK).read_text(encoding="utf-8").splitlines()]


def pip(*arguments: str) -> None:
    """Run pip in `.venv`, showing which package it is at. Ends the program with pip's own words when it fails."""
    command = [str(PYTHON), "-m", "pip", *arguments, "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE} | {"PIP_USER": "0"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: list[str] = []
    collected = 0
    assert process.stdout
    with ending_with_us(process):
        for line in process.stdout:
            said.append(line)
            word = line.split()[:2]
            if word[:1] == ["Collecting"]:
                collected += 1
                show(f"  {collected:3} {word[1]}", often=collected % 20 == 0)
            elif word[:1] == ["Installing"]:
                show(f"  unpacking {collected} packages …", often=True)
    if process.wait():
        text = "".join(said)
        why = next((reason for mark, reason in REASONS.items() if mark in text), "see pip's own words above")
        sys.exit("".join(said[-15:]) + f"\nsetup: pip failed: {why}")
    show("  installed.", often=True)


def show(text: str, often: bool) -> None:
    """Overwrite one line of a terminal; in a log, print only now and then."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:{width}}", end="\n" if text.endswith("installed.") else "", flush=True)
    elif often:
        print(text, flush=True)


@contextmanager
def ending_with_us(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End a process where this one is told to end."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, lambda number, frame: sys.exit(128 + number)) for number in numbers]
    try:
        yield
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        for number, handler in zip(numbers, before):  # noqa: B905 Python 3.9 reads this file, too
            signal.signal(number, handler)
