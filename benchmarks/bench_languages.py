"""Texts of many kinds trained on for two minutes each: bits per byte beside the compressors, and what the plan chose.

`make bench-languages ARGS="--texts german chinese"`. Texts are made once (`language_texts.py`). Rows are kept in a file
as they come: the same command goes on where it was stopped. `--write` puts the table into its page in the docs.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench_minutes import python
from benchmarks.language_texts import MAKERS, write_texts
from lm.clean.metrics import CleanMetrics
from lm.evaluate.metrics import EvaluateMetrics
from lm.planning.plan import open_plan
from lm.store.artifacts import Artifact, Store
from lm.store.files import read_json, replace_atomically
from lm.tokenize.metrics import TokenizeMetrics

PAGE = Path(__file__).resolve().parent.parent / "docs" / "experiments" / "languages.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"


class Row(NamedTuple):
    """One text and what came of it."""

    text: str
    minutes: float
    train_bytes: int
    vocab_size: int
    predicted_bytes_per_token: float
    bytes_per_token: float
    layers: int
    width: int
    steps: int
    predicted_tokenize_bytes: int
    tokenize_peak_bytes: int
    bits_per_byte: float
    baselines: dict[str, float]

    @property
    def best_compressor(self) -> tuple[str, float]:
        """The compressor that needs least, and what it needs."""
        return min(
            ((name, bits) for name, bits in self.baselines.items() if "gram" not in name), key=lambda pair: pair[1]
        )

    @property
    def ngram(self) -> float:
        """What the longest n-gram needs."""
        return min(bits for name, bits in self.baselines.items() if "gram" in name)


def measure(root: Path, name: str, path: Path, minutes: float) -> Row:
    """Train on a text as users do."""
    run_id = f"{name}-{minutes:g}"
    python(
        root,
        "flows.pipeline",
        "--corpus",
        str(path),
        "--minutes",
        str(minutes),
        "--run-id",
        run_id,
        "--without-prefect",
    )
    store = Store(root)
    run = read_json(store.runs / run_id / "run.json")
    stages = run["stages"]

    def artifact(stage: str) -> Artifact:
        return store.open(root / stages[stage]["path"])

    plan = open_plan(root / run["plan"])
    assert plan
    tokens = artifact("tokenize").read_metrics(TokenizeMetrics)
    evaluation = artifact("evaluate").read_metrics(EvaluateMetrics)
    train_bytes = artifact("clean").read_metrics(CleanMetrics).train_bytes
    return Row(
        text=name,
        minutes=minutes,
        train_bytes=train_bytes,
        vocab_size=tokens.vocab_size,
        predicted_bytes_per_token=round(train_bytes / plan.text(train_bytes).tokens(plan.vocab_size), 2),
        bytes_per_token=round(tokens.train_bytes_per_token, 2),
        layers=plan.recipe.layers,
        width=plan.recipe.width,
        steps=plan.recipe.steps,
        predicted_tokenize_bytes=stages["tokenize"]["predicted_memory_bytes"] or 0,
        tokenize_peak_bytes=stages["tokenize"]["peak_memory_bytes"] or 0,
        bits_per_byte=round(evaluation.bits_per_byte, 3),
        baselines=evaluation.baselines,
    )


def table(rows: list[Row]) -> Iterator[str]:
    """A line for each text, in Markdown."""
    yield (
        "| text | training text | bits per byte | best compressor | n-gram | vocabulary | bytes per token, said before "
        "| tokenize peak, predicted | model | steps |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        compressor, bits = row.best_compressor
        yield (
            f"| {row.text} | {row.train_bytes / 1e6:.1f} MB | **{row.bits_per_byte:.3f}** | {compressor} {bits:.2f} "
            f"| {row.ngram:.2f} | {row.vocab_size:,} | {row.bytes_per_token:.2f}, {row.predicted_bytes_per_token:.2f} "
            f"| {row.tokenize_peak_bytes / 2**20:.0f}, {row.predicted_tokenize_bytes / 2**20:.0f} MiB "
            f"| {row.layers} x {row.width} | {row.steps:,} |"
        )


def write_page(rows: list[Row]) -> None:
    """Put the table into its page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    with replace_atomically(PAGE) as path:
        path.write_text(f"{before}{BEGIN}\n" + "\n".join(table(rows)) + f"\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="+", default=list(MAKERS), choices=list(MAKERS), help="default: all of them")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training on each (default 2)")
    folder = Path(tempfile.gettempdir()) / "slowburn-bench-languages"
    parser.add_argument(
        "--folder", type=Path, default=folder, help=f"where texts, rows and runs are kept (default {folder})"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/experiments/languages.md")
    options = parser.parse_args()
    root, path = options.folder / "root", options.folder / "rows.jsonl"
    root.mkdir(parents=True, exist_ok=True)
    rows = [Row(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    texts = write_texts(options.folder / "texts", options.texts)
    for name in options.texts:
        if not any((row.text, row.minutes) == (name, options.minutes) for row in rows):
            rows.append(measure(root, name, texts[name], options.minutes))
            with path.open("a") as stream:
                stream.write(json.dumps(rows[-1]._asdict()) + "\n")
            print(*table(rows[-1:]), sep="\n", file=sys.stderr, flush=True)
    shown = [row for row in rows if row.text in options.texts and row.minutes == options.minutes]
    print(*table(shown), sep="\n")
    if options.write:
        write_page(shown)


if __name__ == "__main__":
    main()
