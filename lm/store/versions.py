"""What made an artifact: for its manifest."""

import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

from lm import __version__


def versions() -> dict[str, str]:
    """What made an artifact: this project, Python, the libraries that matter, the commit."""
    found = {"slowburn": __version__, "python": python_version()}
    for package in ("torch", "sentencepiece", "pyarrow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    with suppress(OSError):  # there is no git, as in a small container
        commit = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
        if commit.returncode == 0:
            found["git_commit"] = commit.stdout.strip()
    return found
