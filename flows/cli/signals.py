"""How a run in a terminal is ended: Ctrl-C, SIGTERM, a terminal that closes; heard from the first moment."""

import os
import signal
import sys
from collections.abc import Callable

from lm.errors import Interrupted, Stopped


class Terminated(BaseException):
    """SIGTERM, or a terminal that was closed, as an exception that no `except Exception` on the way swallows."""


def until_ended(work: Callable[[], int]) -> int:
    """Do work that may be ended; returns its exit code, or the one for how it was ended."""
    signal.signal(signal.SIGTERM, _interrupt)
    if os.name == "posix" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not where `nohup` has it ignored
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        return work()
    except KeyboardInterrupt:
        return _say_interrupted(Interrupted.exit_code)
    except Terminated:
        return _say_interrupted(Stopped.exit_code)


def _interrupt(number: int, frame: object) -> None:
    raise Terminated


def _say_interrupted(code: int) -> int:
    print("interrupted: what was saved is kept; run the same command again to go on", file=sys.stderr, flush=True)
    return code
