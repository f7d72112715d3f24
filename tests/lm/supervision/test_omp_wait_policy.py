"""Promises of `lm/supervision/omp_wait_policy.py`: a training gives way to other programs without falling apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPUTING = """
import threading, time
import torch
from lm.supervision.omp_wait_policy import OmpWaitPolicy

def hash_of_products():
    generator = torch.Generator().manual_seed(1)
    square = torch.randn(700, 700, generator=generator) / 30
    for _ in range(20):
        square = torch.tanh(square @ square)
    return square.double().sum().item()

def is_asleep():
    return any("one_too_many" in thread.name for thread in threading.enumerate())

def until(asleep, work):
    end = time.monotonic() + 60
    while is_asleep() != asleep and time.monotonic() < end:
        work()
    print(is_asleep(), torch.get_num_threads(), hash_of_products(), flush=True)

OmpWaitPolicy().watch()
until(False, hash_of_products)
input()
until(True, hash_of_products)
until(False, lambda: time.sleep(0.5))
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not count how threads wait")
def test_threads_sleep_where_other_programs_take_the_cores_and_no_bit_changes() -> None:
    """Beside busy programs a training's threads wait asleep, with nothing to wait for no longer; results are equal."""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", COMPUTING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout and child.stdin
        alone = child.stdout.readline().split()
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
        try:
            child.stdin.write("\n")
            child.stdin.flush()
            crowded = child.stdout.readline().split()
        finally:
            for program in busy:
                program.kill()
                program.wait()
        quiet = child.stdout.readline().split()
    assert [crowded[0], quiet[0]] == ["True", "False"]
    assert alone[1:] == crowded[1:] == quiet[1:]
