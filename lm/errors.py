"""Everything that may end a run, each with its exit code. The message is one clear line for a person."""


class SlowburnError(Exception):
    """A failure that is explained: the message says what was got, what was expected and what to do."""

    exit_code = 1


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


class Crash(SlowburnError):
    """An error in Slowburn itself, or a worker process that died; `details` are for whoever mends it."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


class Interrupted(SlowburnError):
    """The user pressed Ctrl-C or the process was asked to end; progress is saved."""

    exit_code = 130
