"""The pictures that belong to a run, found from its record: the report shows them, and so can others."""

from pyarrow.parquet import ParquetFile

from lm.report.learning_curve import LearningCurve, learning_curve_png
from lm.report.memory_chart import memory_png
from lm.report.run_facts import RunFacts
from lm.runs.run_record import read_memory
from lm.store.artifacts import Store
from lm.train.checkpoint_metrics import metrics_so_far
from lm.train.learning_curve import CurveRow

METRICS_FILE = "metrics.parquet"


def learning_curve_of(store: Store, facts: RunFacts) -> LearningCurve | None:
    """The learning curve of the run's model, or of one still in training as far as it came."""
    metrics = training_metrics(store, facts)
    if len(metrics) < 2:
        return None
    baselines = facts.evaluation.baselines if facts.evaluation else {}
    tokens = facts.tokenize
    sizes = {"train": tokens.train_bytes_per_token, "heldout": tokens.heldout_bytes_per_token} if tokens else None
    return LearningCurve.from_metrics(metrics, sizes, baselines)


def pictures_png(store: Store, facts: RunFacts) -> dict[str, bytes]:
    """The run's pictures as PNG, of those there are: {"learning-curve": …, "memory": …}."""
    curve, memory = learning_curve_of(store, facts), read_memory(store, facts.run)
    pictures = {}
    if curve is not None:
        pictures["learning-curve"] = learning_curve_png(curve)
    if memory:
        pictures["memory"] = memory_png(memory)
    return pictures


def training_metrics(store: Store, facts: RunFacts) -> list[CurveRow]:
    """Rows of the learning curve: of the run's model, or of one still in training as far as it came."""
    if train := facts.artifacts.get("train"):
        rows: list[CurveRow] = ParquetFile(train.intact(METRICS_FILE)).read().to_pylist()
        return rows
    unfinished = facts.run.unfinished
    if unfinished and unfinished.stage == "train" and unfinished.key:
        return metrics_so_far(store.partial("train", unfinished.key))
    return []
