"""What a training loses to other programs at work: a step's time alone, and beside as many busy programs as said.

`make bench-neighbours ARGS="--busy 1 --seconds 10"`. Each row trains a model as the plan's trial does, in a child of
its own: once with threads that spin while they wait for each other, as libgomp's do, and once with those of Slowburn,
which sleep while other programs work. Rounds alternate, for machines have slow minutes; the median is printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from lm.hardware.cores import usable_cores
from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.planning.jobs import try_training
from lm.progress import silent
from lm.supervision.supervisor import SupervisedChild

SPIN = {"GOMP_SPINCOUNT": "300000"}  # what libgomp does where nothing is said
ROUNDS = 3
RECIPE = TrainingConfig(
    layers=3,
    width=160,
    heads=2,
    kv_heads=2,
    mlp_width=640,
    context=128,
    batch_sequences=16,
    steps=1000,
    precision="fp32",
    seed=1,
)
VOCAB_SIZE = 2048


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    """Programs that want a core each, for as long as the block lasts."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def step_seconds(threads: int, seconds: float, waiting: dict[str, str]) -> float:
    """What a step takes with so many threads that wait in this way."""
    budget = Budget(bytes=4 * 2**30, source="flag")
    with (
        mock.patch.dict(os.environ, waiting),
        SupervisedChild(budget, threads=threads, keeps_freed_memory=True) as child,
    ):
        result = child.call(
            try_training,
            silent,
            recipe=RECIPE,
            vocab_size=VOCAB_SIZE,
            micro_batch=RECIPE.batch_sequences,
            device="cpu",
            seconds=seconds,
        )
    return result.step_seconds


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=1, metavar="PROGRAMS", help="besides the training (default 1)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each training (default 10)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="of the training (default: all)")
    options = parser.parse_args()
    kinds = {"spinning": SPIN, "as it suits": {}}
    taken: dict[tuple[int, str], list[float]] = {(busy, kind): [] for busy in (0, options.busy) for kind in kinds}
    for _ in range(ROUNDS):
        for (busy, kind), seconds in taken.items():
            with busy_programs(busy):
                seconds.append(step_seconds(options.threads, options.seconds, kinds[kind]))
    print(f"{options.threads} threads, {RECIPE.layers}x{RECIPE.width}, {RECIPE.tokens_per_step:,} tokens a step")
    print(f"{'busy programs':>13}  {'threads wait':12} {'ms a step':>10} {'of alone':>9}")
    for (busy, kind), seconds in taken.items():
        middle, alone = statistics.median(seconds), statistics.median(taken[0, kind])
        print(f"{busy:13}  {kind:12} {middle * 1e3:10.0f} {middle / alone:8.2f}x")


if __name__ == "__main__":
    main()
