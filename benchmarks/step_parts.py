"""Where a training step's time goes, and what a checkpoint and a look at the held-out loss cost.

`python -m benchmarks.step_parts '{"root": …}'` in a process of its own, with the threads of the plan; the last line it
prints is JSON. The parts are those of the real `Training`, each with a clock around it.
"""

import json
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch

from lm.planning.measure_machine import measure
from lm.planning.plan import Plan
from lm.train.trainer import Trainer
from lm.train.training import Training

WARM_UP_STEPS, STEPS, SAVES, LOOKS = 3, 36, 5, 3


class Stopwatch:
    """Adds up the seconds that calls of some functions take, by a name for each."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)

    def watching(self, owner: Any, function: str, part: str) -> AbstractContextManager[object]:
        """Put a clock around `owner.function` while the block lasts."""
        return mock.patch.object(owner, function, self.timed(getattr(owner, function), part))

    def timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """The function with a clock around it."""

        def call(*arguments: Any, **named: Any) -> Any:
            began = self.now()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += self.now() - began

        return call

    def now(self) -> float:
        """The time once the device has done what it was given."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def step_parts(trainer: Trainer, device: str) -> dict[str, float]:
    """Mean seconds of each part of a step, of the whole, and of what is in no part."""
    stopwatch = Stopwatch(device)
    watched = [
        (trainer.batches, "at", "data"),
        (trainer.model, "loss", "forward and backward"),
        (torch.autograd, "backward", "forward and backward"),
        (torch.nn.utils, "clip_grad_norm_", "clipping"),
        *((optimiser, "step", "optimiser") for optimiser in trainer.optimisers),
    ]
    step = stopwatch.timed(trainer.step, "step")
    with ExitStack() as stack:
        for owner, function, part in watched:
            stack.enter_context(stopwatch.watching(owner, function, part))
        for _ in range(WARM_UP_STEPS):
            step()
        stopwatch.seconds.clear()
        for _ in range(STEPS):
            step()
    parts = {part: seconds / STEPS for part, seconds in stopwatch.seconds.items()}
    return parts | {"rest": 2 * parts["step"] - sum(parts.values())}


def median_seconds(times: int, work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """How long a piece of work takes, each time after something that is not counted."""
    durations = []
    for _ in range(times):
        before()
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def look(training: Training) -> None:
    """Measure the held-out loss as the training does on its way."""
    with training.trainer.published() as model:
        training.heldout.measure(model)


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Train for a few dozen steps; `request`: root (folder for the checkpoints), tokens (folder) and plan."""
    plan = Plan.model_validate(request["plan"])
    machine = measure().with_device(plan.device)
    with TemporaryDirectory(dir=request["root"]) as partial:
        training = Training(
            plan.recipe,
            Path(request["tokens"]),
            Path(partial),
            micro_batch=plan.micro_batch,
            device=plan.device,
            checkpoint_seconds=math.inf,
        )
        parts = step_parts(training.trainer, plan.device)
        return {
            "machine": machine.model_dump(mode="json"),
            "step_seconds": parts.pop("step"),
            "parts": parts,
            "save_seconds": median_seconds(SAVES, training.save, before=training.trainer.step),
            "look_seconds": median_seconds(LOOKS, lambda: look(training)),
        }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
