"""How a command is ended: Ctrl-C, SIGTERM, a terminal that closes. Light: it listens before anything else is loaded."""

import os
import signal
import sys
from collections.abc import Callable

from lm.errors import Interrupted, Stopped

INTERRUPTED = "interrupted"
CAN_GO_ON = "interrupted: what was saved is kept; run the same command again to go on"


class Terminated(BaseException):
    """SIGTERM, or a terminal that was closed, as an exception that no `except Exception` on the way swallows."""


def until_ended(work: Callable[[], int], sentence: str = INTERRUPTED) -> int:
    """Do work that may be ended; returns its exit code, or the one for how it was ended, having said the sentence."""
    signal.signal(signal.SIGTERM, _terminate)
    if os.name == "posix" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not where `nohup` has it ignored
        signal.signal(signal.SIGHUP, _terminate)
    try:
        return work()
    except KeyboardInterrupt:
        return _say(sentence, Interrupted.exit_code)
    except Terminated:
        return _say(sentence, Stopped.exit_code)


def leave_at_once(code: int, say: Callable[[], None]) -> None:
    """From now on have a signal end this process with `code`, once `say` has said what there is to say."""

    def leave(number: int, frame: object) -> None:
        say()
        os._exit(code)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            signal.signal(getattr(signal, name), leave)


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr, flush=True)
    leave_at_once(code, lambda: None)
    return code
