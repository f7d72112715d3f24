"""Waiting until the machine has time for a training: on mains power, with nobody at work on it, and memory to spare."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import psutil
from pydantic import Field

from lm.config import StageConfig
from lm.errors import Stopped
from lm.formatting import format_bytes, format_duration
from lm.memory.budget import Size, available_bytes, parse_bytes

POLL_INTERVAL_SECONDS = 20.0
MEASURE_SECONDS = 1.0


class NotNow(Stopped):
    """The deadline came and the machine had no time yet."""


class GoodTime(StageConfig):
    """What to wait for before the work begins, and for how long at most."""

    mains_power: bool = Field(False, description="wait while the machine runs on its battery")
    busy_percent: float | None = Field(
        None, gt=0, le=100, description="wait while other programs use more than this share of the processors"
    )
    free_memory: Size | None = Field(None, description="wait until this much memory is free, such as 2GiB")
    deadline_minutes: float = Field(60.0, ge=0, description="longest wait; after it this retraining is left out")


def reasons_to_wait(wanted: GoodTime) -> dict[str, str]:
    """What speaks against beginning now, in words, by its kind; looks for a second where the processors matter."""
    reasons = {}
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if wanted.mains_power and battery is not None and battery.power_plugged is False:
        reasons["power"] = f"the machine runs on its battery ({battery.percent:.0f} %)"
    if wanted.free_memory is not None and (free := available_bytes()) < parse_bytes(wanted.free_memory):
        reasons["memory"] = f"{format_bytes(free)} of memory are free, {wanted.free_memory} are wanted"
    if wanted.busy_percent is not None and (busy := psutil.cpu_percent(MEASURE_SECONDS)) > wanted.busy_percent:
        reasons["processors"] = f"the processors are {busy:.0f} % busy, {wanted.busy_percent:g} % are accepted"
    return reasons


def wait_for_good_time(
    wanted: GoodTime, tell: Callable[[str], object], look_seconds: float = POLL_INTERVAL_SECONDS
) -> None:
    """Return as soon as nothing speaks against it; `tell` hears why it waits whenever another kind of reason does.

    Raises NotNow at the deadline. Sleep of the machine counts towards it where its clock goes on in sleep.
    """
    begun, told = time.monotonic(), set[str]()
    while reasons := reasons_to_wait(wanted):
        left = wanted.deadline_minutes * 60 - (time.monotonic() - begun)
        if left <= 0:
            waited = format_duration(wanted.deadline_minutes * 60)
            raise NotNow(f"no good time within {waited}: {'; '.join(reasons.values())}")
        if reasons.keys() != told:
            until = (datetime.now().astimezone() + timedelta(seconds=left)).strftime("%H:%M on %d %B")
            tell(f"waiting, until {until} at most: {'; '.join(reasons.values())}; looks every {look_seconds:g} s")
            told = set(reasons)
        time.sleep(min(look_seconds, left))
