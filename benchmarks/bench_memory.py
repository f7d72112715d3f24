"""How well training's peak memory is predicted: random models, each trained for a few steps in a fresh child.

`make bench-memory ARGS="--configurations 40"`. The ratio is predicted over measured; the dynamic part is
what lies above the floor, the memory of a process that has loaded its libraries and trains the smallest model. All
of them train in fp32 where the processor has no bf16: no plan would choose it there.
"""

import argparse
import json
import random
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from lm.formatting import format_bytes
from lm.memory.budget import Budget
from lm.model.config import TrainingConfig
from lm.planning.choose import SHAPES
from lm.planning.jobs import try_training
from lm.planning.measure_machine import has_bf16
from lm.planning.plan import TRIAL_SECONDS
from lm.progress import silent
from lm.supervision.supervisor import SupervisedChild
from lm.train.memory import floor_bytes, predict_trial

MAX_FLOPS_A_STEP = 6e10  # a second or less on one core
MAX_PREDICTED_BYTES = 3 * 2**30
RECOMPUTED_EVERY = 4  # configuration keeps no activations
MEAN_ERROR, WORST_ERROR, DYNAMIC_ERROR = 0.03, 0.10, 0.15


class Measured(NamedTuple):
    """One configuration with what was predicted and what was measured, in bytes."""

    recipe: TrainingConfig
    vocab_size: int
    micro_batch: int
    predicted: int
    measured: int

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.measured - 1

    @property
    def dynamic_error(self) -> float:
        """The same over the part above the floor, where that is worth a ratio."""
        floor = floor_bytes("cpu", self.recipe.precision)
        above = self.measured - floor
        return (self.predicted - self.measured) / above if above > floor / 4 else 0.0


def configurations(count: int, seed: int) -> list[tuple[TrainingConfig, int, int]]:
    """Random recipes with a vocabulary's size and a micro-batch, always the same for the same seed."""
    generator = random.Random(seed)
    found: list[tuple[TrainingConfig, int, int]] = []
    while len(found) < count:
        width = generator.choice(list(SHAPES))
        heads = generator.choice(
            [heads for heads in (1, 2, 3, 4, 5, 6, 8) if width % heads == 0 and width // heads >= 32]
        )
        micro_batch = generator.choice([1, 2, 4, 8, 16, 32])
        recipe = TrainingConfig(
            layers=generator.randint(1, 10),
            width=width,
            heads=heads,
            kv_heads=generator.choice([heads, 1]),
            mlp_width=generator.choice([2, 3, 4]) * width,
            context=generator.choice([64, 128, 256, 512]),
            batch_sequences=micro_batch * generator.choice([1, 1, 2, 4]),
            steps=1000,
            precision=generator.choice(["bf16", "fp32"]),
            seed=1,
            dropout=generator.choice([0.0, 0.0, 0.1]),
            average_share=generator.choice([0.0, 0.2]),
            recompute=len(found) % RECOMPUTED_EVERY == 0,
        )
        vocab_size = generator.choice([512, 1024, 2048, 4096, 8192])
        too_slow = recipe.tokens_per_step * recipe.flops_per_token(vocab_size) > MAX_FLOPS_A_STEP
        if not too_slow and predict_trial(recipe, vocab_size, micro_batch) < MAX_PREDICTED_BYTES:
            found.append((recipe, vocab_size, micro_batch))
    return found


def measure(recipe: TrainingConfig, vocab_size: int, micro_batch: int) -> Measured:
    """Train a few steps as the plan's trial does, in a child of its own."""
    with SupervisedChild(Budget(bytes=2 * MAX_PREDICTED_BYTES, source="flag"), keeps_freed_memory=True) as child:
        result = child.call(
            try_training,
            silent,
            recipe=recipe,
            vocab_size=vocab_size,
            micro_batch=micro_batch,
            device="cpu",
            seconds=TRIAL_SECONDS,
        )
    predicted = predict_trial(recipe, vocab_size, micro_batch)
    return Measured(recipe, vocab_size, micro_batch, predicted, result.peak_memory_bytes)


def print_row(row: Measured) -> None:
    """One configuration in one line."""
    recipe = row.recipe
    model = f"{recipe.layers}x{recipe.width}/{recipe.heads}h/{recipe.kv_heads}kv mlp {recipe.mlp_width}"
    model += (" dropout" if recipe.dropout else "") + (" average" if recipe.average_share else "")
    model += " recompute" if recipe.recompute else ""
    batch = f"{row.micro_batch} of {recipe.batch_sequences} x {recipe.context}"
    print(
        f"{model:54} {batch:16} {row.vocab_size:5} {recipe.precision} "
        f"{format_bytes(row.predicted):>10} {format_bytes(row.measured):>10} {1 + row.error:6.3f}",
        flush=True,
    )


def main() -> int:
    """Measure, print a table, and say whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="write every figure there too")
    options = parser.parse_args()
    print(f"{'model':54} {'micro-batch':16} vocab prec  predicted   measured  ratio")
    rows = []
    for recipe, *sizes in configurations(options.configurations, options.seed):
        rows.append(measure(recipe if has_bf16("cpu") else recipe.model_copy(update={"precision": "fp32"}), *sizes))
        print_row(rows[-1])
    errors, dynamic = [abs(row.error) for row in rows], [abs(row.dynamic_error) for row in rows]
    print(
        f"mean error {statistics.mean(errors):.1%} (promised {MEAN_ERROR:.0%}), worst {max(errors):.1%} "
        f"(promised {WORST_ERROR:.0%}), worst above the floor {max(dynamic):.1%} (promised {DYNAMIC_ERROR:.0%})"
    )
    if options.json:
        figures = [{**row._asdict(), "recipe": row.recipe.model_dump(mode="json")} for row in rows]
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    kept = statistics.mean(errors) <= MEAN_ERROR and max(errors) <= WORST_ERROR and max(dynamic) <= DYNAMIC_ERROR
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
