"""Everything that may end a run, each with its exit code. The message is one clear line for a person."""

import errno
import os
from pathlib import Path

OTHER_ROOT = "set SLOWBURN_ROOT to a folder of yours"
NO_PROCESS = "no further process or thread can be started: `ulimit -u`, or this container, allows too few"
NO_THREAD = ("can't start new thread", "Thread creation failed", "Failed to launch worker thread")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class SlowburnError(Exception):
    """A failure that is explained: the message says what was got, what was expected and what to do."""

    exit_code = 1


class NoAccess(SlowburnError):
    """The system does not let us use a file. That says nothing of what is in it: nobody is to delete it."""


class TooNew(NoAccess):
    """A file was written by a newer version of Slowburn than this one."""


class Damaged(SlowburnError):
    """A file does not hold what was written. The message names it, and the command that repairs it."""


class BadInput(SlowburnError):
    """What the user asked for, or the text they gave, cannot be used as it is."""

    exit_code = 2


class Stopped(SlowburnError):
    """The work stopped with its progress saved; the same command may succeed later (EX_TEMPFAIL)."""

    exit_code = 75


class OutOfMemory(Stopped):
    """Memory ended the work, at `peak_bytes`: it was too large itself (`ours`), or others took the machine's.

    `reason` says how in a few words, without the stage and the advice that the message has.
    """

    def __init__(self, reason: str, peak_bytes: int, *, ours: bool = True, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason, self.peak_bytes, self.ours = reason, peak_bytes, ours


class CannotFit(SlowburnError):
    """No setting of this request fits this budget or machine (EX_CONFIG)."""

    exit_code = 78
    would_fit_alone = False  # with the memory, too, that the processes hold which orchestrate the run


class Crash(SlowburnError):
    """An error in Slowburn itself, or a worker process that died; `details` are for whoever mends it."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


class Interrupted(SlowburnError):
    """The user pressed Ctrl-C or the process was asked to end; progress is saved."""

    exit_code = 130


def is_no_thread(text: str) -> bool:
    """Whether these words, of Python or of a library, say that a thread was refused."""
    return any(words in text for words in NO_THREAD)


def explained(error: OSError) -> SlowburnError:
    """The same error, with what to do; `Stopped` where the disk is full, for that may pass."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | Path) else ""
    what = error.strerror or str(error)
    if error.errno in DISK_FULL:
        return Stopped(f"the disk is full: {where or 'a file'} cannot be written; make room, then run this again")
    if error.errno == errno.EROFS:
        return SlowburnError(f"{where} cannot be written, its file system is read-only: {OTHER_ROOT}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NoAccess(f"{where} may not be used by this user{owned_by(where)}: get access to it, or {OTHER_ROOT}")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return SlowburnError("too many files are open: `ulimit -n` allows too few, 256 will do")
    if error.errno == errno.EAGAIN:
        return SlowburnError(NO_PROCESS)
    if error.errno == errno.EFBIG:
        return SlowburnError(f"{where or 'a file'} may not grow further: `ulimit -f` allows too little")
    if error.errno == errno.ENOLCK:
        return SlowburnError("the file system gives no locks: set SLOWBURN_ROOT to a folder on a disk of this machine")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return SlowburnError(f"{where} cannot be a folder, a file is in its place: remove that, or {OTHER_ROOT}")
    return SlowburnError(f"{where} cannot be used: {what}" if where else f"the system refused: {what}")


def check_utf8(name: str) -> str:
    """Return a name of a file. Raises BadInput where it holds bytes that are no UTF-8, which no record can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        if "\\x" not in shown:
            raise BadInput(f"the name {shown} is UTF-8, but this locale is not: set PYTHONUTF8=1") from None
        raise BadInput(f"the name {shown} is no UTF-8: rename it, or give a copy or a link of another name") from None
    return name


def owned_by(path: str) -> str:
    """Whose a file is, as the end of a sentence; nothing where that cannot be found out."""
    try:
        return f", it belongs to {Path(path).owner()}"
    except (OSError, KeyError, NotImplementedError, RuntimeError, ValueError):
        return ""
