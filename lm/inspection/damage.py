"""What is found damaged, and the command that mends it."""

import os
import shlex
from pathlib import Path

from pydantic import BaseModel

from lm.errors import NoAccess, TooNew
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store
from lm.store.integrity import NO_ACCESS, NO_ANSWER

TOO_NEW = "was written by a newer Slowburn"
REMAKE = "slowburn run"


class Damage(BaseModel, frozen=True):
    """A file that is not what was written, or cannot be seen to be, and the command that mends that."""

    path: str  # relative to the root
    what: str
    remake: str


def not_damaged(store: Store, path: Path, error: NoAccess | None = None) -> Damage:
    """A file that nothing may be wrong with: its owner can let this user read it, its disk is away, or we are old."""
    name, folder = path.relative_to(store.root).as_posix(), shlex.quote(str(path.parent))
    if isinstance(error, TooNew):
        return Damage(path=name, what=TOO_NEW, remake="update Slowburn")
    if os.access(path, os.R_OK):
        return Damage(path=name, what=NO_ANSWER, remake=f"ls -l {folder}")
    return Damage(path=name, what=NO_ACCESS, remake=f"chmod -R a+rX {folder}")


def damage(store: Store, path: Path, what: str, again: str, *, removed: Path | None = None) -> Damage:
    """A damaged file: it goes, or the folder `removed`, and the command `again` makes it anew."""
    gone = removed or path
    return Damage(
        path=path.relative_to(store.root).as_posix(),
        what=what,
        remake=f"rm {'-r ' * gone.is_dir()}{shlex.quote(str(gone))} && {again}",
    )


def command_of(store: Store, key: str) -> str:
    """The command of a run that used an artifact: only what is missing is made again."""
    users = (run.command for run in list_runs(store) if any(stage.key == key for _, stage in run.every_stage()))
    return next((command for command in users if command), REMAKE)
