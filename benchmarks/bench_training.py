"""What a training of so many seconds is worth here: quality, speed, share of the peak, cost of checkpoints.

`make bench-training ARGS="--corpus PATH --seconds 67 --threads 2"`. Slowburn runs as its users run it, through the
pipeline; then a GPT-2 of characters of about its size is trained by the Hugging Face Trainer on the
same text for the same seconds (its own setup, trials and evaluation are not counted). Both are measured on all the
held-out text, in the same overlapping windows; the n-gram is the evaluation's own baseline. One program runs at a time.
With --nanogpt the numbers of nanoGPT's CPU recipe are trained first, and the others get the seconds that it took.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from benchmarks.training_table import print_table
from lm.hardware.cores import usable_cores
from lm.planning.plan import Plan, open_plan, plan_path
from lm.run_config import RunConfig
from lm.store.artifacts import ROOT_VARIABLE, Manifest, Store
from lm.store.files import read_json
from lm.supervision.supervisor import KEEP_FREED_MEMORY
from lm.tokenize.metrics import TokenizeMetrics
from lm.train.metrics import TrainMetrics

PROJECT = Path(__file__).resolve().parent.parent
RUN_ID = "bench"
QUICK_EVALUATION = ("evaluate.samples=1", "evaluate.sample_tokens=32", "evaluate.resamples=100")


class Trained(NamedTuple):
    """What the pipeline made, and where."""

    root: Path
    plan: Plan
    checkpoint_seconds: float
    model: Manifest
    tokens: Manifest
    clean: Manifest
    evaluation: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """Slowburn's line of the table."""
        recipe, metrics = self.plan.recipe, TrainMetrics.model_validate(self.model.metrics)
        tokens_per_second = (metrics.trained_tokens or 0) / self.model.seconds
        return {
            "settings": recipe.model_dump(mode="json"),
            "parameters": metrics.parameters,
            "seconds": self.model.seconds,
            "nats_per_byte": self.evaluation["nats_per_byte"],
            "heldout_bytes": self.evaluation["bytes"],
            "tokens_per_second": tokens_per_second,
            "bytes_per_second": tokens_per_second
            * TokenizeMetrics.model_validate(self.tokens.metrics).train_bytes_per_token,
            "flops_per_token": recipe.flops_per_token(metrics.vocab_size),
        }

    def as_json(self) -> str:
        """What `step_parts` wants to know."""
        tokens = Store(self.root).path("tokenize", self.tokens.key)
        return json.dumps({"root": str(self.root), "tokens": str(tokens), "plan": self.plan.model_dump(mode="json")})

    def heldout_looks(self) -> int:
        """How often the training looked at the held-out loss."""
        curve = pq.read_table(Store(self.root).path("train", self.model.key) / "metrics.parquet")
        return int(len(curve) - curve.column("heldout_loss").null_count)


def run_pipeline(root: Path, options: argparse.Namespace, until: str, *arguments: str) -> dict[str, Any]:
    """Run the pipeline up to a stage, and return its record; what it says goes to the standard error."""
    corpus = ["--corpus", options.corpus] if options.corpus else []
    settings = [f"threads={options.threads}", *QUICK_EVALUATION, *options.settings]
    command = [sys.executable, "-m", "flows.pipeline", *corpus, *arguments]
    command += ["--until", until, "--run-id", f"{RUN_ID}-{until}", "--set", *settings]
    places = {ROOT_VARIABLE: str(root), "PREFECT_HOME": str(root / "prefect")}
    places["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"  # it makes its database anew
    if code := subprocess.call(command, cwd=PROJECT, env=os.environ | places, stdout=sys.stderr):
        sys.exit(code)
    return dict(read_json(Store(root).runs / f"{RUN_ID}-{until}" / "run.json"))


def train_slowburn(root: Path, options: argparse.Namespace, seconds: float) -> Trained:
    """Run the pipeline up to the evaluation."""
    record = run_pipeline(root, options, "evaluate", "--minutes", str(seconds / 60))
    store = Store(root)
    folders = {stage: root / about["path"] for stage, about in record["stages"].items()}
    model, tokens, clean = (store.open(folders[stage]).manifest for stage in ("train", "tokenize", "clean"))
    evaluation = read_json(folders["evaluate"] / "evaluation.json")
    config = RunConfig.model_validate(record["config"])
    plan = open_plan(plan_path(store, config, clean.key))
    assert plan, "the run has left no plan of this version"
    return Trained(root, plan, config.checkpoint_seconds, model, tokens, clean, evaluation)


def measured(module: str, argument: str, threads: int) -> dict[str, Any]:
    """Run one of the measuring programs with as many threads, and freed memory kept, as a training of ours has."""
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, "-m", f"benchmarks.{module}", argument]
    environment = os.environ | KEEP_FREED_MEMORY | counts
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench-training: {module} ended with code {done.returncode}, see above")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def train_nanogpt(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train the numbers of nanoGPT's CPU recipe."""
    clean = root / run_pipeline(root, options, "clean")["stages"]["clean"]["path"]
    print("Training the numbers of nanoGPT's CPU recipe …", file=sys.stderr, flush=True)
    request = {"recipe": "nanogpt", "clean": str(clean), "threads": options.threads, "device": "cpu"}
    return measured("gpt2_peer", json.dumps(request), options.threads)


def train_tuned(trained: Trained, options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Train the Hugging Face peer on the same text, never for fewer seconds than Slowburn took."""
    print("Training the peer …", file=sys.stderr, flush=True)
    request = {
        "recipe": "tuned",
        "clean": str(Store(trained.root).path("clean", trained.clean.key)),
        "parameters": trained.model.metrics["parameters"],
        "seconds": max(seconds, trained.model.seconds),
        "threads": options.threads,
        "device": trained.plan.device,
    }
    return measured("gpt2_peer", json.dumps(request), options.threads)


def bench(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Every figure, by name."""
    nanogpt = {"nanogpt": train_nanogpt(root, options)} if options.nanogpt else {}
    seconds = nanogpt["nanogpt"]["seconds"] if nanogpt else options.seconds
    trained = train_slowburn(root, options, seconds)
    print("Timing the parts of a step …", file=sys.stderr, flush=True)
    parts = measured("step_parts", trained.as_json(), trained.plan.threads)
    peers = {"tuned": train_tuned(trained, options, seconds)} | nanogpt
    return {
        "corpus": options.corpus or "python-docs",
        "threads": options.threads,
        "train_bytes": trained.clean.metrics["train_bytes"],
        "split": trained.clean.metrics["split"],
        "slowburn": trained.row(),
        "peers": peers,
        "baselines": {name: each["nats_per_byte"] for name, each in trained.evaluation["baselines"].items()},
        "checkpoint_seconds": trained.checkpoint_seconds,
        "checkpoint_bytes": trained.plan.checkpoint_bytes,
        "heldout_looks": trained.heldout_looks(),
        "tokens_per_step": trained.plan.recipe.tokens_per_step,
        **parts,
    }


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", metavar="NAME|PATH|URL", help="default: the embedded one")
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--seconds", type=float, default=67.0, help="of training (default 67)")
    time.add_argument("--nanogpt", action="store_true", help="instead: as many as nanoGPT's CPU recipe takes here")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="of all trainings (default: all)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="settings", help="of Slowburn's run")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure there too")
    options = parser.parse_args()
    with TemporaryDirectory(dir=PROJECT / "artifacts", prefix=".bench-training-") as root:  # a disk, not memory
        figures = bench(Path(root), options)
    print_table(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
