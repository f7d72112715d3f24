"""Minutes asked and taken: whole runs as users start them, alone and beside busy programs, one row a run.

`make bench-minutes ARGS="--seconds 30 60 180 --rounds 3 --busy 1"`. Each row is a run of its own seed: its plan and its
trial, its training, evaluation and samples are made anew, the text is cleaned once. What the run will take is asked of
`plan` before. Rows are kept in a file as they come: the same command goes on where it was stopped.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench_neighbours import busy_programs
from lm.store.artifacts import ROOT_VARIABLE, Store
from lm.store.files import read_json
from lm.train.metrics import TrainMetrics

PROJECT = Path(__file__).resolve().parent.parent
KEPT_SHARE, KEPT_SECONDS = 0.05, 3.0  # promised: the larger of both
FORECAST_SHARE = 0.15  # promised of the whole run
SHARE_IN_STEPS = {60.0: 0.8, 180.0: 0.92}  # promised from so many seconds on, alone


class Row(NamedTuple):
    """One run."""

    asked_seconds: float
    busy: int  # programs beside it
    seed: int
    taken_seconds: float  # of the train stage
    steps: int
    seconds_in_steps: float
    moves: int  # of the end
    forecast_seconds: float  # of the whole run, said before
    process_seconds: float

    @property
    def is_kept(self) -> bool:
        """Whether the minutes were kept."""
        return abs(self.taken_seconds - self.asked_seconds) <= max(KEPT_SHARE * self.asked_seconds, KEPT_SECONDS)

    @property
    def share_in_steps(self) -> float:
        """Of the stage's seconds."""
        return self.seconds_in_steps / self.taken_seconds

    @property
    def forecast_error(self) -> float:
        """By how much the run took longer than was said, as a share of that."""
        return self.process_seconds / self.forecast_seconds - 1


def python(root: Path, *arguments: str) -> str:
    """Run this project's Python with a root of its own; returns what it prints."""
    environment = os.environ | {ROOT_VARIABLE: str(root), "PREFECT_HOME": str(root / "prefect")}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench-minutes: {' '.join(command)} ended with code {done.returncode}, see above")
    return done.stdout


def measure(root: Path, request: tuple[str, ...], seconds: float, busy: int, seed: int) -> Row:
    """Ask what a run would take, then run it."""
    asked = (*request, "--minutes", str(seconds / 60), "--set", f"train.seed={seed}")
    run_id = f"asked-{seconds:g}-busy-{busy}-seed-{seed}"
    with busy_programs(busy):
        forecast = json.loads(python(root, "lm", "plan", *asked, "--json"))["seconds"]
        began = time.monotonic()
        python(root, "flows.pipeline", "--run-id", run_id, *asked)
        process_seconds = time.monotonic() - began
    store = Store(root)
    train = read_json(store.runs / run_id / "run.json")["stages"]["train"]
    manifest = store.open(root / train["path"]).manifest
    metrics, former_ends = TrainMetrics.model_validate(manifest.metrics), manifest.config["former_ends"]
    return Row(
        asked_seconds=seconds,
        busy=busy,
        seed=seed,
        taken_seconds=train["seconds"],
        steps=metrics.steps,
        seconds_in_steps=metrics.seconds_in_steps or 0.0,
        moves=len(former_ends) if isinstance(former_ends, list) else 0,
        forecast_seconds=forecast,
        process_seconds=round(process_seconds, 3),
    )


def table(rows: list[Row]) -> Iterator[str]:
    """A line for each kind of run."""
    yield (
        f"{'asked':>7} {'busy':>4} {'runs':>4} {'kept':>5} {'taken, s':>23} {'steps':>7} {'in steps':>8} "
        f"{'moves':>5} {'said before':>11} {'took':>7} {'worst':>6}"
    )
    for asked, busy in sorted({(row.asked_seconds, row.busy) for row in rows}):
        group = [row for row in rows if (row.asked_seconds, row.busy) == (asked, busy)]
        taken = sorted(row.taken_seconds for row in group)
        worst = max((row.forecast_error for row in group), key=abs)
        yield (
            f"{asked:5g} s {busy:4} {len(group):4} {sum(row.is_kept for row in group):5} "
            f"{taken[0]:7.1f} {statistics.median(taken):7.1f} {taken[-1]:7.1f} "
            f"{statistics.median(row.steps for row in group):7,.0f} "
            f"{statistics.median(row.share_in_steps for row in group):8.1%} "
            f"{statistics.mean(row.moves for row in group):5.1f} "
            f"{statistics.median(row.forecast_seconds for row in group):9.0f} s "
            f"{statistics.median(row.process_seconds for row in group):5.0f} s {worst:+6.0%}"
        )
    yield "taken: least, median, most. in steps: of the time taken. said before, took: the whole process."
    yield (
        f"promised: kept within {KEPT_SHARE:.0%} or {KEPT_SECONDS:g} s; the whole run within {FORECAST_SHARE:.0%} of "
        f"what was said; alone, "
        + " and ".join(f"{share:.0%} in steps from {seconds:g} s on" for seconds, share in SHARE_IN_STEPS.items())
    )


def main() -> None:
    """Measure what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 60.0, 180.0], help="of training, asked for")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (default 3)")
    parser.add_argument("--busy", type=int, default=1, metavar="PROGRAMS", help="beside every second run (default 1)")
    parser.add_argument("--corpus", default="python-docs")
    folder = Path(tempfile.gettempdir()) / "slowburn-bench-minutes"
    parser.add_argument("--folder", type=Path, default=folder, help=f"where rows and runs are kept (default {folder})")
    options = parser.parse_args()
    root, path = options.folder / "root", options.folder / "rows.jsonl"
    root.mkdir(parents=True, exist_ok=True)
    rows = [Row(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    request = ("--corpus", options.corpus)
    python(root, "flows.pipeline", *request, "--until", "clean", "--run-id", "clean")
    python(root, "lm", "plan", *request)  # this machine is measured once
    rounds = range(1, options.rounds + 1)  # they alternate, for machines have slow minutes
    for number, seconds, (offset, busy) in product(rounds, options.seconds, enumerate((0, options.busy))):
        seed = 2 * number + offset
        if (seconds, busy, seed) not in {row[:3] for row in rows}:
            rows.append(measure(root, request, seconds, busy, seed))
            with path.open("a") as stream:
                stream.write(json.dumps(rows[-1]._asdict()) + "\n")
            print(*table(rows[-1:]), sep="\n", file=sys.stderr, flush=True)
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
