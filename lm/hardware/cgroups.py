"""The control groups of Linux that this process is in: where containers and batch systems set their limits."""

from pathlib import Path
from typing import NamedTuple

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC_CGROUP = Path("/proc/self/cgroup")


class GroupFolder(NamedTuple):
    """The folder of a group; version 1 has one for each controller, version 2 one for all."""

    path: Path
    version: int


def group_folders(controller: str) -> list[GroupFolder]:
    """Every group above this process that may limit what `controller` counts, its own first; none elsewhere.

    In a container the groups that it lies in may be hidden: then its own is the topmost.
    """
    try:
        lines = PROC_CGROUP.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            base, version = CGROUP_ROOT, 2
        elif controller in controllers.split(","):
            base, version = CGROUP_ROOT / controller, 1
        else:
            continue
        folder = base / name.lstrip("/")
        found += [GroupFolder(path, version) for path in (folder, *folder.parents) if path.is_relative_to(base)]
    return found
