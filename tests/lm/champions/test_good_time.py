"""A scheduled training begins when the machine has time: shown on a machine that really is busy, and then is not."""

import re
import subprocess
import sys

import pytest

from lm.champions.good_time import GoodTime, NotNow, wait_for_good_time
from lm.hardware.cores import usable_cores


def test_it_waits_while_others_keep_the_processors_busy_and_begins_when_they_stop() -> None:
    """It says once why it waits and until when, and goes on soon after the last of them has ended."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * usable_cores())]
    told: list[str] = []

    def tell(reason: str) -> None:
        told.append(reason)
        for process in busy:
            process.kill()
            process.wait()

    try:
        wait_for_good_time(GoodTime(busy_percent=90, deadline_minutes=2), tell, look_seconds=0.5)
    finally:
        for process in busy:
            process.kill()
    assert len(told) == 1
    assert re.match(r"waiting, until \d\d:\d\d on \d\d \w+ at most: ", told[0])
    assert "the processors are" in told[0]
    assert "90 % are accepted" in told[0]


def test_a_time_that_never_comes_is_left_out_with_the_reason() -> None:
    """More memory than there is: at the deadline it says what was wanted and what there is, and may be tried again."""
    with pytest.raises(NotNow, match=r"no good time within .*of memory are free, 900TiB are wanted") as refused:
        wait_for_good_time(GoodTime(free_memory="900TiB", deadline_minutes=0.01), lambda _: None, look_seconds=0.2)
    assert refused.value.exit_code == 75
