"""The guard sees a shortage coming, names who took the memory, and tells the kernel's kill from a person's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lm.errors import OutOfMemory, Stopped
from lm.memory.budget import Budget
from lm.memory.headroom import Headroom
from lm.model.config import TrainingConfig
from lm.planning.jobs import measure_machine, try_training
from lm.progress import silent
from lm.supervision.memory_pressure import MemoryPressure, Sample
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.top_memory_growth import OtherPrograms

GIB = 2**30


def judged(
    *looks: tuple[float, float, float], swapped: tuple[float, ...] = (), stalled: tuple[float, ...] = ()
) -> str | None:
    """What is said of the last of these looks: (seconds, free GiB of 8, own GiB)."""
    shortage = MemoryPressure()
    for index, (seconds, free, own) in enumerate(looks):
        verdict = shortage.judge(
            Sample(
                seconds,
                [Headroom("this machine", int(free * GIB), 8 * GIB)],
                int(own * GIB),
                int((swapped[index] if swapped else 0) * GIB),
                stalled[index] if stalled else 0.0,
            )
        )
    return verdict


def test_our_own_growth_is_no_shortage() -> None:
    """A training that takes what it was given stops nobody, however fast."""
    assert judged((0, 6, 0.5), (1, 3, 3.5)) is None


def test_the_last_memory_and_a_fast_fall_towards_it_are() -> None:
    """Little left, or soon to be: other programs need it."""
    assert "only 205 MiB" in str(judged((0, 0.2, 0.5)))
    assert "other programs take" in str(judged((0, 4, 0.5), (1, 2, 0.5), (1.5, 1, 0.5)))
    assert judged((0, 4, 0.5), (1, 3.8, 0.5), (1.5, 3.7, 0.5)) is None


def test_pressure_and_swapping_count_where_memory_is_scarce() -> None:
    """With plenty free they are about something else."""
    assert "waiting for memory" in str(judged((0, 0.7, 0.5), (2, 0.7, 0.5), stalled=(5.0, 5.8)))
    assert "to disk" in str(judged((0, 0.7, 0.5), (2, 0.7, 0.5), swapped=(0.1, 0.6)))
    assert judged((0, 4, 0.5), (2, 4, 0.5), swapped=(0.1, 0.6), stalled=(5.0, 5.8)) is None


def test_the_program_that_grew_is_named() -> None:
    """A person can close it."""
    others = OtherPrograms()
    with hog() as process:
        said = others.largest_growth(set(psutil.pids()) - {process.pid})  # others may be at work here
    assert f"process {process.pid}" in said
    assert "MiB" in said


def test_a_stage_leaves_when_another_program_takes_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends within seconds, and the message names the program; the stage itself is not blamed."""
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr("lm.memory.headroom.MEMINFO", meminfo)
    write_meminfo(meminfo, available_gib=6)
    recipe = TrainingConfig(layers=1, width=64, heads=1, kv_heads=1, mlp_width=128, context=64,
                            batch_sequences=4, steps=9, precision="fp32", seed=1)  # fmt: skip
    with SupervisedChild(Budget(bytes=GIB, source="flag"), keeps_freed_memory=True) as child, hog():

        def take_it(done: float, total: float | None, unit: str, note: str = "") -> None:
            write_meminfo(meminfo, available_gib=0.1)

        with pytest.raises(OutOfMemory) as caught:
            child.call(try_training, take_it, recipe, 512, 4, "cpu", 4.0)
    assert not caught.value.ours
    assert "only 102 MiB of this machine's memory is left" in caught.value.reason
    assert "grew by" in caught.value.reason


def write_meminfo(path: Path, available_gib: float) -> None:
    """What Linux would say of a machine of 8 GiB."""
    lines = {"MemTotal": 8, "MemAvailable": available_gib, "SwapTotal": 0, "SwapFree": 0}
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(f"{name}: {int(gib * 2**20)} kB\n" for name, gib in lines.items()))
    temporary.replace(path)


@contextmanager
def hog() -> Iterator["subprocess.Popen[bytes]"]:
    """Another program that takes 300 MiB."""
    process = subprocess.Popen([sys.executable, "-c", "x = b'x' * (300 << 20); print(flush=True); input()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert process.stdout
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_child_that_somebody_kills_is_not_said_to_be_out_of_memory() -> None:
    """kill -9 by hand is a stop that the same command continues after."""
    with SupervisedChild(Budget(bytes=GIB, source="flag")) as child:
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Stopped, match="killed from outside"):
            child.call(measure_machine, silent)


def test_a_child_that_the_kernel_kills_is() -> None:
    """Where a cgroup can be had, the kernel's kill is told by its counter."""
    with SupervisedChild(Budget(bytes=GIB, source="flag")) as child:
        if child.cgroup is None:
            pytest.skip("no cgroup can be made here")
        child.cgroup.limit_file.write_text(str(60 << 20))
        with pytest.raises(OutOfMemory, match="kernel"):
            child.call(measure_machine, silent)
        assert child.cgroup.oom_kills()
    assert not child.cgroup.folder.exists()


def test_watching_costs_next_to_nothing() -> None:
    """Half a percent of one core at most, over a few seconds of a child that does nothing."""
    with SupervisedChild(Budget(bytes=GIB, source="flag")) as child:
        time.sleep(1)
        before = time.process_time()
        time.sleep(2)
        spent = time.process_time() - before
        assert child.peak_bytes > 0
    assert spent < 0.005 * 2 * 3, "three times the promise: other tests may be at work"


def test_what_is_found_as_a_child_is_let_go_is_left_unsaid() -> None:
    """The watch is another thread: what it would still say to a child that is gone raises nothing."""
    with SupervisedChild(Budget(bytes=2**30, source="flag")) as child:
        pass
    child.ask_to_stop("too late")
