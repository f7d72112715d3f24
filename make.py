"""What the Makefile's targets do, for machines without make too: `python make.py TARGET [ARGUMENTS]`.

Needs only Python's standard library. Every target sets up `.venv` first where it is missing or stale.
"""

from __future__ import annotations  # an old interpreter must get far enough to find a newer one

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from make_venv import BIN, PYTHON, ROOT, VENV, choose_python, create, ending_with_us, install

if TYPE_CHECKING:
    from collections.abc import Callable

TWO_FILES_AT_ONCE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")  # the long files come first
TWO_TESTS_AT_ONCE = ("-n", "2", "--dist", "worksteal")
OPERATIONS = [f"tests/flows/test_{name}.py" for name in ("outages", "deployments", "reruns", "ui", "server")]
OPERATIONS += [f"tests/faults/test_{name}.py" for name in ("surroundings", "more_surroundings", "system_calls")]
LLAMA_CPP = ("llama-cpp-python==0.3.36",)
OBJECT_STORE = ("moto[server]==5.2.1", "s3fs==2026.9.0")


class Target(NamedTuple):
    """What one word does: the groups of packages it needs beside those that Slowburn runs on, and its work."""

    groups: tuple[str, ...]
    work: Callable[..., int]
    help: str


def python(*arguments: str) -> int:
    """Run `.venv`'s Python in the project; returns its exit code."""
    process = subprocess.Popen([str(PYTHON), *arguments], cwd=ROOT)
    with ending_with_us(process):
        return process.wait()


def become(*command: str) -> int:
    """Go on as this program of `.venv`, in the project: whatever signal is sent to us is then its own to answer.

    Windows has no such thing: there we wait, and Ctrl-C, which reaches both, is its own to answer.
    """
    program = str(BIN / command[0])
    os.chdir(ROOT)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(program, [program, *command[1:]])
    process = subprocess.Popen([program, *command[1:]])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def pytest(*arguments: str) -> int:
    """Go on as pytest."""
    return become("python", "-m", "pytest", *arguments)


def test_beside(marker: str, packages: tuple[str, ...], note: str) -> int:
    """Run the tests that need `packages`, which are no part of the project, in an environment of their own."""
    folder = ROOT / f".venv-{marker}"
    stamp = folder / f"{'+'.join(packages)}.stamp"
    if not stamp.exists():
        print(f"Installing {' and '.join(packages)} in {folder.name}{note} …", flush=True)
        create(folder)
        arguments = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-q", *packages]
        if code := subprocess.call([str(folder / PYTHON.relative_to(VENV)), *arguments], cwd=ROOT):
            return code
        stamp.write_text("")
    return pytest("-m", marker)


def lint() -> int:
    """Check style, and that imports run one way."""
    style = python("-m", "ruff", "check", ".") or python("-m", "ruff", "format", "--check", ".")
    return style or become("lint-imports", "--no-logo")


def coverage(*arguments: str) -> int:
    """Run the tests, and compare the share of lines that run, in all processes, with the floor in pyproject.toml."""
    if code := python("-m", "coverage", "erase"):
        return code
    tested = python("-m", "coverage", "run", "-m", "pytest", *TWO_FILES_AT_ONCE, *arguments)
    return python("-m", "coverage", "combine", "-q") or python("-m", "coverage", "report") or tested


def list_targets() -> int:
    """Print what there is."""
    print("make TARGET, or python make.py TARGET; arguments: make run ARGS='…', or python make.py run …\n")
    for name, target in TARGETS.items():
        print(f"  {name:18} {target.help}")
    return 0


RUN: tuple[str, ...] = ()
DEV = ("dev", "bench")
TARGETS = {
    "setup": Target(RUN, lambda: 0, "create .venv and install what is pinned"),
    "run": Target(RUN, lambda *a: become("slowburn", "run", *a), "train, evaluate and generate: `slowburn run`"),
    "test": Target(DEV, lambda *a: pytest(*TWO_FILES_AT_ONCE, *a), "run the tests"),
    "coverage": Target(DEV, coverage, "run the tests and measure which lines they run, in all processes"),
    "lint": Target(DEV, lint, "check style, and that imports run one way"),
    "docs": Target(
        RUN,
        lambda *a: become("python", "-m", "docs.reference_builder", *a),
        "write the pages that are made from the code; ARGS=--check compares them",
    ),
    "types": Target(DEV, lambda: become("python", "-m", "mypy"), "check types"),
    "up": Target(RUN, lambda: become("slowburn", "up"), "start a Prefect server, a worker and the deployments"),
    "down": Target(RUN, lambda: become("slowburn", "down"), "stop them; runs save first"),
    "status": Target(RUN, lambda: become("slowburn", "status"), "say what of them runs"),
    "test-gguf": Target(
        DEV,
        lambda: test_beside("gguf", LLAMA_CPP, " with a C++ compiler and cmake: about ten minutes"),
        "read exported models with llama.cpp",
    ),
    "test-s3": Target(DEV, lambda: test_beside("s3", OBJECT_STORE, ""), "read a corpus from an object store"),
    "test-gpu": Target(DEV, lambda *a: pytest("-m", "gpu", "tests/faults/test_gpu.py", *a), "train on a CUDA card"),
    "test-memory": Target(
        DEV,
        lambda *a: pytest("-m", "memory_campaign", *TWO_TESTS_AT_ONCE, "tests/faults", *a),
        "sweep memory caps over every stage, tens of minutes",
    ),
    "test-faults": Target(
        DEV,
        lambda *a: pytest("-m", "fault_campaign", "tests/faults", *a),
        "damage files by the thousand, some minutes; counts add up in .faults/",
    ),
    "test-operations": Target(
        DEV,
        lambda *a: pytest("-m", "", *TWO_FILES_AT_ONCE, *OPERATIONS, *a),
        "server, worker, browser and odd surroundings, some minutes",
    ),
}
for _name, _help in {
    "training": "compare training with nanoGPT's recipe and others",
    "generation": "time generation",
    "memory": "compare predicted with measured memory",
    "opponents": "compare a model with compressors of text",
    "corpora": "time the stages that read corpora",
    "encodings": "compare what finds the encoding of a text",
    "languages": "train on texts of many kinds and languages",
    "neighbours": "measure training beside a busy program",
    "minutes": "compare minutes asked with minutes taken",
}.items():
    TARGETS[f"bench-{_name}"] = Target(
        DEV, lambda *a, module=f"benchmarks.bench_{_name}": become("python", "-m", module, *a), _help
    )


def main() -> int:
    """Do one target; its exit code is this program's."""
    name, *arguments = sys.argv[1:] or ["help"]
    if name in ("help", "--help", "-h"):
        return list_targets()
    if name not in TARGETS:
        print(f"make.py: got {name!r}, expected one of {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    choose_python()
    target = TARGETS[name]
    install(target.groups)
    return target.work(*arguments)


if __name__ == "__main__":
    sys.exit(main())
