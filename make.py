"""What the Makefile's targets do, for machines without make too: `python make.py TARGET [ARGUMENTS]`.

Needs only Python's standard library. Every target sets up `.venv` first where it is missing or stale.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TESTED = (3, 11)
RUN, DEV = ("requirements.txt",), ("requirements.txt", "requirements-dev.txt")
TORCH_INDEX = "TORCH_INDEX"  # where pip takes torch from: a CPU or a CUDA build
TWO_FILES_AT_ONCE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")  # the long files come first
TWO_TESTS_AT_ONCE = ("-n", "2", "--dist", "worksteal")
OPERATIONS = [f"tests/flows/test_{name}.py" for name in ("outages", "deployments", "reruns", "ui", "server")]
LLAMA_CPP = ("llama-cpp-python==0.3.36",)
OBJECT_STORE = ("moto[server]==5.2.1", "s3fs==2026.9.0")
MISSING = "the package index was not reached or lacks a version: see the lines above, then run this again"


def install(files: tuple[str, ...]) -> None:
    """Create `.venv` and install what `files` pin, unless that is done already."""
    stamp = VENV / f"slowburn-{len(files)}.stamp"
    contents = b"".join((ROOT / name).read_bytes() for name in (*files, "constraints.txt"))
    wanted = hashlib.sha256(contents + sys.version.encode() + os.environ.get(TORCH_INDEX, "").encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    if sys.version_info[:2] != TESTED:
        print(f"Note: tested with Python {TESTED[0]}.{TESTED[1]}, this is {sys.version.split()[0]}.")
    if not PYTHON.exists():
        print("Creating .venv …", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
    if index := os.environ.get(TORCH_INDEX):
        print(f"Installing torch from {index} …", flush=True)
        torch = next(line for line in (ROOT / RUN[0]).read_text().splitlines() if line.startswith("torch=="))
        pip("install", torch, "--index-url", index)
    print("Installing pinned packages; once, a few minutes …", flush=True)
    pip("install", *(word for name in files for word in ("-r", name)), "-c", "constraints.txt")
    stamp.write_text(wanted)


def pip(*arguments: str) -> None:
    """Run pip in `.venv`, showing which package it is at. Ends the program with pip's own words when it fails."""
    command = [str(PYTHON), "-m", "pip", *arguments, "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    collected = 0
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        word = line.split()[:2]
        if word[:1] == ["Collecting"]:
            collected += 1
            show(f"  {collected:3} {word[1]}", often=collected % 20 == 0)
        elif word[:1] == ["Installing"]:
            show(f"  unpacking {collected} packages …", often=True)
    if process.wait():
        sys.exit("".join(said[-15:]) + f"\nsetup: {MISSING}")
    show("  installed.", often=True)


def show(text: str, often: bool) -> None:
    """Overwrite one line of a terminal; in a log, print only now and then."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:{width}}", end="\n" if text.endswith("installed.") else "", flush=True)
    elif often:
        print(text, flush=True)


def python(*arguments: str) -> int:
    """Run `.venv`'s Python in the project; Ctrl-C is the child's to answer."""
    process = subprocess.Popen([str(PYTHON), *arguments], cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def test_beside(marker: str, packages: tuple[str, ...], note: str) -> int:
    """Run the tests that need `packages`, which are no part of the project, in an environment of their own."""
    folder = ROOT / f".venv-{marker}"
    stamp = folder / f"{'+'.join(packages)}.stamp"
    if not stamp.exists():
        print(f"Installing {' and '.join(packages)} in {folder.name}{note} …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        python_there = folder / PYTHON.relative_to(VENV)
        arguments = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-q", *packages]
        if code := subprocess.call([str(python_there), *arguments], cwd=ROOT):
            return code
        stamp.write_text("")
    return python("-m", "pytest", "-m", marker)


def lint() -> int:
    """Style and types."""
    return python("-m", "ruff", "check", ".") or python("-m", "ruff", "format", "--check", ".")


TARGETS: dict[str, tuple[tuple[str, ...], Callable[..., int]]] = {
    "setup": (RUN, lambda: 0),
    "run": (RUN, lambda *a: python("-m", "flows.pipeline", *a)),
    "test": (DEV, lambda *a: python("-m", "pytest", *TWO_FILES_AT_ONCE, *a)),
    "test-gguf": (DEV, lambda: test_beside("gguf", LLAMA_CPP, " with a C++ compiler and cmake: about ten minutes")),
    "test-s3": (DEV, lambda: test_beside("s3", OBJECT_STORE, "")),
    "test-gpu": (DEV, lambda *a: python("-m", "pytest", "-m", "gpu", "tests/faults/test_gpu.py", *a)),
    "test-memory": (
        DEV,
        lambda *a: python("-m", "pytest", "-m", "memory_campaign", *TWO_TESTS_AT_ONCE, "tests/faults", *a),
    ),
    "bench-memory": (DEV, lambda *a: python("-m", "benchmarks.bench_memory", *a)),
    "bench-corpora": (DEV, lambda *a: python("-m", "benchmarks.bench_corpora", *a)),
    "bench-encodings": (DEV, lambda *a: python("-m", "benchmarks.bench_encodings", *a)),
    "test-operations": (DEV, lambda *a: python("-m", "pytest", "-m", "", *TWO_FILES_AT_ONCE, *OPERATIONS, *a)),
    "bench-generation": (DEV, lambda *a: python("-m", "benchmarks.bench_generation", *a)),
    "bench-neighbours": (DEV, lambda *a: python("-m", "benchmarks.bench_neighbours", *a)),
    "bench-training": (DEV, lambda *a: python("-m", "benchmarks.bench_training", *a)),
    "lint": (DEV, lint),
    "types": (DEV, lambda: python("-m", "mypy")),
    "up": (RUN, lambda: python("-m", "flows.server", "up")),
    "down": (RUN, lambda: python("-m", "flows.server", "down")),
    "status": (RUN, lambda: python("-m", "flows.server", "status")),
}


def main() -> int:
    """Do one target; its exit code is this program's."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in TARGETS:
        print(f"make.py: got {name or 'no target'!r}, expected one of {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    files, work = TARGETS[name]
    install(files)
    return work(*[word for argument in arguments for word in shlex.split(argument)])


if __name__ == "__main__":
    sys.exit(main())
