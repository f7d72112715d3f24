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


class MemoryStop(Stopped):
    """The work reached its memory budget, or the machine's end, and stopped; what was saved is kept."""


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
