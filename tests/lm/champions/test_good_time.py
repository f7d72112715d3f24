"""A scheduled training begins when the machine has time: neither on its battery nor while others need it."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest

from lm.champions.good_time import GoodTime, NotNow, wait_for_good_time


def test_it_waits_while_others_keep_the_processors_busy_and_begins_when_they_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says once why it waits and until when, again for another reason, and goes on once there is none."""
    busy: Iterator[float] = iter([97.0, 95.0, 20.0, 10.0])
    plugged = iter([True, True, False, True])
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds: next(busy))
    battery = lambda: SimpleNamespace(percent=50, power_plugged=next(plugged))  # noqa: E731
    monkeypatch.setattr(psutil, "sensors_battery", battery, raising=False)
    told: list[str] = []
    wait_for_good_time(GoodTime(busy_percent=90, mains_power=True), told.append, look_seconds=0.01)
    when = r"waiting, until \d\d:\d\d on \d\d \w+ at most: "
    assert re.fullmatch(rf"{when}the processors are 97 % busy, 90 % are accepted; looks every 0.01 s", told[0])
    assert re.fullmatch(rf"{when}the machine runs on its battery \(50 %\); looks every 0.01 s", told[1])
    assert len(told) == 2
    assert list(busy) == []


def test_a_time_that_never_comes_is_left_out_with_the_reason() -> None:
    """More memory than there is: at the deadline it says what was wanted and what there is, and may be tried again."""
    with pytest.raises(NotNow, match=r"no good time within .*of memory are free, 900TiB are wanted") as refused:
        wait_for_good_time(GoodTime(free_memory="900TiB", deadline_minutes=0.01), lambda _: None, look_seconds=0.2)
    assert refused.value.exit_code == 75
