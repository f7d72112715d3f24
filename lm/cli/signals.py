"""How a command is ended: Ctrl-C, SIGTERM, a terminal that closes. Light: it listens before anything else is loaded."""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from lm.errors import Interrupted, Stopped

INTERRUPTED = "interrupted"
CAN_GO_ON = "interrupted: what was saved is kept; run the same command again to continue"
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


_interrupted: list[int] = []  # the exit code of a process that was


class Terminated(BaseException):
    """SIGTERM, or a terminal that was closed, as an exception that no `except Exception` on the way swallows."""


def until_ended(work: Callable[[], int], sentence: str = INTERRUPTED) -> int:
    """Do work that may be ended; returns its exit code, or the one for how it was ended, having said the sentence."""
    atexit.register(_leave)  # before what work registers, and so after it
    if _is_heard("SIGHUP"):
        signal.signal(signal.SIGHUP, _terminate)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            return work()
        except (KeyboardInterrupt, Terminated) as end:
            return _end(end, sentence)
    except (KeyboardInterrupt, Terminated) as end:  # a second one, before the first was heard
        return _end(end, sentence)


def leave_at_once(code: int, say: Callable[[], None]) -> None:
    """From now on have a signal end this process with `code`, once `say` has said what there is to say."""

    def leave(number: int, frame: object) -> None:
        say()
        os._exit(code)

    _handle(leave)


def _end(end: BaseException, sentence: str) -> int:
    """Say it, and have nothing that comes after change the exit code."""
    _handle(lambda number, frame: None)
    code = Interrupted.exit_code if isinstance(end, KeyboardInterrupt) else Stopped.exit_code
    print(sentence, file=sys.stderr, flush=True)
    _interrupted.append(code)
    leave_at_once(code, lambda: None)
    return code


def _leave() -> None:
    """End an interrupted process before Python takes itself apart: in that second a signal would kill it."""
    if _interrupted:
        sys.stdout.flush()
        os._exit(_interrupted[0])


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def _is_heard(name: str) -> bool:
    """Whether the system has this signal, and nobody has it ignored, as `nohup` does."""
    return hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN


def _handle(handler: Callable[[int, Any], None]) -> None:
    for name in filter(_is_heard, NAMES):
        signal.signal(getattr(signal, name), handler)
