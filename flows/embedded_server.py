"""Prefect's embedded server, out of reach of the signals that a terminal sends to all that it started.

Ctrl-C would end it beside the run that has yet to tell it how it ended; Prefect then tries to reach it for minutes.
"""

import ctypes
import os
import signal
import subprocess
import sys
from functools import partial
from typing import Any
from unittest import mock

from prefect.server.api.server import SubprocessASGIServer

PR_SET_PDEATHSIG = 1  # of prctl(2)


class EmbeddedServer(SubprocessASGIServer):
    """The one that Prefect's clients look for, in a process group of its own; on Linux it ends with this process."""

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        own_group = partial(subprocess.Popen, **({"preexec_fn": _leave_group} if os.name == "posix" else {}))
        with mock.patch.object(subprocess, "Popen", own_group):
            return super()._run_uvicorn_command()


def _leave_group() -> None:
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
