"""`doctor`: what a bug report needs of this machine and this installation, and nothing private."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from lm.cli.command import command, json_option
from lm.formatting import format_bytes
from lm.hardware.cores import cpu_name, usable_cores
from lm.memory.headroom import headrooms, limited_cgroups
from lm.memory.usage import how_memory_is_held
from lm.store.artifacts import ROOT_VARIABLE, Store
from lm.store.versions import versions

CHECKOUT = Path(__file__).parents[2]
LOCK = CHECKOUT / "constraints.txt"
SHOWN_PACKAGES = ("torch", "prefect", "pydantic", "pyarrow", "numpy", "sentencepiece", "tokenizers", "safetensors")
NAMED_VARIABLES = ("SLOWBURN_", "PREFECT_", "TORCH", "PYTORCH_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_",
                   "MALLOC_", "GLIBC_", "PYTHON", "HF_", "NVIDIA_")  # fmt: skip
SHOWN_VARIABLES = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_")  # which hold numbers and a few known words
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
DEVICE_SCRIPT = """
import torch
built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU"
found = [torch.cuda.get_device_name(0)] if torch.cuda.is_available() else []
found += ["MPS"] if torch.backends.mps.is_available() else []
print(f"torch {torch.__version__}, {built}; {', '.join(found) or 'no GPU'}; {torch.backends.cpu.get_cpu_capability()}")
"""
DEVICE_TIMEOUT_SECONDS = 120.0
Facts = dict[str, dict[str, str]]


@command()
@json_option
def doctor_command(as_json: bool) -> int:
    """Print what a bug report needs: versions, machine, limits, places, and what is set. Read it before you paste it.

    The home folder is written as ~. Of variables whose value may be secret only the name is printed.
    """
    facts = collect_facts()
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return 0
    for section, lines in facts.items():
        print(section)
        for name, value in lines.items():
            print(f"  {name:14} {value}")
    return 0


def collect_facts() -> Facts:
    """What is known, by section and name."""
    return {
        "versions": _versions(),
        "machine": _machine(),
        "limits": _limits(),
        "places": _places(),
        "environment": _environment(),
    }


def _versions() -> dict[str, str]:
    made_by = versions()
    commit = f", commit {made_by['git_commit']}" if "git_commit" in made_by else ""
    packages = {name: _installed(name) or "missing" for name in SHOWN_PACKAGES}
    return {
        "slowburn": f"{made_by['slowburn']}{commit}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **packages,
        "not as pinned": _not_as_pinned() or "nothing",
    }


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _not_as_pinned() -> str:
    """Packages whose version is another one than was tested."""
    if not LOCK.exists():
        return "constraints.txt is missing"
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    found = [(name, pinned, _installed(name)) for name, pinned in pins]
    return ", ".join(f"{name} {here}" for name, pinned, here in found if here and here.split("+")[0] != pinned)


def _machine() -> dict[str, str]:
    memory = psutil.virtual_memory()
    return {
        "system": _private(f"{platform.system()} {platform.release()}, {platform.machine()}"),
        "libc": " ".join(platform.libc_ver()) or "unknown",
        "processor": cpu_name(),
        "cores": f"{usable_cores()} of {os.cpu_count()}",
        "memory": f"{format_bytes(memory.total)}, {format_bytes(memory.available)} available",
        "swap": format_bytes(psutil.swap_memory().total),
        "device": _device(),
    }


def _device() -> str:
    """What torch can use, asked in a process of its own: this one does without its memory and its seconds."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", DEVICE_SCRIPT], capture_output=True, text=True, timeout=DEVICE_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"torch did not load within {DEVICE_TIMEOUT_SECONDS:.0f} seconds"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return _private(lines[-1] if lines else f"torch ended with code {done.returncode}")


def _limits() -> dict[str, str]:
    found = {"memory cap": how_memory_is_held()}
    for headroom in headrooms(limited_cgroups())[1:]:
        found["cgroup"] = f"{format_bytes(headroom.limit_bytes)}, {format_bytes(headroom.free_bytes)} of it free"
    return found | _resource_limits()


def _resource_limits() -> dict[str, str]:
    """What `ulimit` says, where there is such a thing."""
    try:
        import resource
    except ImportError:  # Windows
        return {}
    names = {
        "data": "RLIMIT_DATA",
        "address space": "RLIMIT_AS",
        "open files": "RLIMIT_NOFILE",
        "stack": "RLIMIT_STACK",
    }
    found = {}
    for name, constant in names.items():
        soft, hard = (
            "unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,}"
            for limit in resource.getrlimit(getattr(resource, constant))
        )
        found[name] = f"{soft} (at most {hard})"
    return found


def _places() -> dict[str, str]:
    root = Store.default().root
    why = f"{ROOT_VARIABLE} says so" if os.environ.get(ROOT_VARIABLE) else "the checkout"
    there = next((folder for folder in (root, *root.parents) if folder.exists()), root)
    return {
        "root": f"{_private(str(root))} ({why}): data/ and artifacts/ are here",
        "checkout": _private(str(CHECKOUT)),
        "interpreter": _private(sys.executable),
        "free disk": format_bytes(shutil.disk_usage(there).free),
    }


def _environment() -> dict[str, str]:
    named = {name for name in os.environ if name.startswith(NAMED_VARIABLES) or name.lower() in PROXIES}
    shown = {name: os.environ[name] if name.startswith(SHOWN_VARIABLES) else "set" for name in sorted(named)}
    return shown or {"nothing": "is set that matters"}


def _private(text: str) -> str:
    """The text without the home folder's name, which is often a person's."""
    try:
        home = str(Path.home())
    except RuntimeError:  # of a user that the system does not know
        return text
    return text.replace(home, "~") if len(home) > 1 else text
