"""What is known of a run, gathered from its record and from the artifacts that it names. Missing parts stay None.

Light to import: only JSON is read, but for the samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lm.clean.metrics import CleanMetrics
from lm.compressors.config import ADAPTIVE
from lm.config import JsonObject
from lm.errors import SlowburnError
from lm.evaluate import result
from lm.formatting import listing
from lm.generate.metrics import GenerateMetrics
from lm.generate.stage import SAMPLES_FILE
from lm.runs.run_record import RunRecord
from lm.runs.seeds import Spread, spread
from lm.store.artifacts import Artifact, Metrics, Store
from lm.store.files import read_json
from lm.text.splits import SPLITS, Split
from lm.tokenize.metrics import TokenizeMetrics
from lm.train.metrics import TrainMetrics


@dataclass(frozen=True)
class Evaluation:
    """Bits per byte of the whole held-out text, and what a model must beat to count."""

    bits_per_byte: float
    ci95: tuple[float, float] | None
    perplexity_per_token: float | None
    heldout_bytes: int | None
    baselines: dict[str, float]  # bits per byte, best first
    level_with: frozenset[str]  # the baselines whose difference from the model chance may explain
    verdict: str  # on the n-gram
    repetition: result.RepetitionReport | None
    calibration: result.CalibrationReport | None  # this and the rest is newer: older evaluations lack it
    by_frequency: Sequence[result.TokensOfFrequency]
    by_tokens_read: Sequence[result.TokensOfContext]
    hardest_tokens: Sequence[result.HardToken]

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        """Name and bits per byte of the hardest baseline to beat, of those that learn as the model does: beforehand."""
        return next(((name, bits) for name, bits in self.baselines.items() if not name.endswith(ADAPTIVE)), None)


@dataclass(frozen=True)
class Sample:
    """One generated text and how it came about."""

    prompt: str
    text: str
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tokens: int | None = None
    verdict: str | None = None
    nearest_source: str | None = None
    nearest_document: str | None = None
    nearest_title: str | None = None
    nearest_line: int | None = None
    nearest_before: str | None = None
    nearest_text: str | None = None
    nearest_after: str | None = None


@dataclass(frozen=True)
class RunFacts:
    """A run's record with the artifacts, the plan and the evaluation that it names, as far as they are there."""

    run: RunRecord
    artifacts: dict[str, Artifact]
    plan: JsonObject | None  # as its file has it: that of another version may say other things
    evaluation: Evaluation | None
    spread: Sequence[Spread] = ()  # between the seeds, where there are several

    @property
    def clean(self) -> CleanMetrics | None:
        """Metrics of the clean text."""
        return self.metrics("clean", CleanMetrics)

    @property
    def tokenize(self) -> TokenizeMetrics | None:
        """Metrics of the tokens."""
        return self.metrics("tokenize", TokenizeMetrics)

    @property
    def train(self) -> TrainMetrics | None:
        """Metrics of the model."""
        return self.metrics("train", TrainMetrics)

    @property
    def generate(self) -> GenerateMetrics | None:
        """Metrics of the samples."""
        return self.metrics("generate", GenerateMetrics)

    def metrics(self, stage: str, kind: type[Metrics]) -> Metrics | None:
        """Metrics of a stage; None where its artifact is gone, or another version said other things of it."""
        try:
            return self.artifacts[stage].read_metrics(kind) if stage in self.artifacts else None
        except SlowburnError:
            return None

    @property
    def plan_reasons(self) -> list[str]:
        """Why the plan's numbers are what they are."""
        reasons = (self.plan or {}).get("reasons")
        return [str(reason) for reason in reasons] if isinstance(reasons, list) else []

    @property
    def text_bytes(self) -> dict[Split, int] | None:
        """Bytes of text on each side of the split: "train" and "heldout"."""
        return {split: self.clean.count(split, "bytes") for split in SPLITS} if self.clean else None

    @property
    def corpus(self) -> str:
        """What was trained on, by name: of paths and addresses the last part."""
        return listing(word.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or word for word in self.run.corpus)

    @property
    def training_seconds(self) -> float | None:
        """How long the model was trained, in all the runs that had a part in it."""
        train = self.artifacts.get("train")
        return train.manifest.seconds if train else None

    @property
    def trained_before(self) -> str:
        """How much of the training earlier runs had done, in words; empty where it was all this run's."""
        stage, seconds = self.run.stages.get("train"), self.training_seconds
        if stage is None or seconds is None or seconds <= stage.seconds:
            return ""
        return "in an earlier run" if stage.status == "reused" else "a part of it in an earlier run"

    @property
    def reused_stages(self) -> list[str]:
        """Stages that were there already."""
        return [name for name, stage in self.run.stages.items() if stage.status == "reused"]


def gather_facts(store: Store, run: RunRecord) -> RunFacts:
    """Open what the run names. What was pruned or damaged since is left out: a report of the rest is still true."""
    artifacts = {name: found for name, stage in run.stages.items() if (found := _found(store, name, stage.key))}
    evaluate = artifacts.get("evaluate")
    return RunFacts(
        run=run,
        artifacts=artifacts,
        plan=_read_if_there(store, run.plan),
        evaluation=_read_evaluation(evaluate) if evaluate else None,
        spread=spread(store, run),
    )


def read_samples(facts: RunFacts) -> list[Sample]:
    """The run's samples in their order. Loads pyarrow."""
    generate = facts.artifacts.get("generate")
    return read_sample_rows(generate) if generate else []


def read_sample_rows(generate: Artifact) -> list[Sample]:
    """The samples of an artifact of generate, in their order. Loads pyarrow."""
    from pyarrow.parquet import ParquetFile  # deferred: it weighs 100 MiB

    columns = Sample.__dataclass_fields__
    rows = ParquetFile(generate.intact(SAMPLES_FILE)).read().to_pylist()
    return [Sample(**{name: value for name, value in row.items() if name in columns}) for row in rows]


def representative_sample(samples: list[Sample]) -> Sample | None:
    """The sample to show first: not a collapsed one, if there is a choice, and one that begins with given words."""
    return min(samples, key=lambda sample: (sample.verdict not in (None, "healthy"), not sample.prompt), default=None)


def _read_if_there(store: Store, path: str | None) -> JsonObject | None:
    try:
        return read_json(store.root / path) if path else None
    except SlowburnError:
        return None


def _found(store: Store, stage: str, key: str) -> Artifact | None:
    try:
        return store.find(stage, key)
    except SlowburnError:
        return None  # `slowburn verify` names it


def _read_evaluation(evaluate: Artifact) -> Evaluation | None:
    """An evaluation; None where it is damaged, or another version said other things."""
    try:
        return _evaluation(result.read_evaluation(evaluate))
    except (SlowburnError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None  # `slowburn verify` names it


def _evaluation(content: result.Evaluation) -> Evaluation:
    best_first = sorted(content["baselines"].items(), key=lambda item: (item[1]["bits_per_byte"], item[0]))
    return Evaluation(
        bits_per_byte=content["bits_per_byte"],
        ci95=_ends(content.get("ci95")),
        perplexity_per_token=content.get("perplexity_per_token"),
        heldout_bytes=content.get("bytes"),
        baselines={name: baseline["bits_per_byte"] for name, baseline in best_first},
        level_with=frozenset(name for name, baseline in best_first if _spans_zero(baseline)),
        verdict=content.get("verdict", ""),
        repetition=content.get("degeneracy"),
        calibration=content.get("calibration"),
        by_frequency=content.get("by_frequency", ()),
        by_tokens_read=content.get("by_tokens_read", ()),
        hardest_tokens=content.get("hardest_tokens", ()),
    )


def _ends(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (interval[0], interval[1]) if interval else None


def _spans_zero(baseline: result.Comparison) -> bool:
    """Whether the paired difference to the model may be nothing."""
    ends = _ends(baseline.get("model_minus_this_ci95"))
    return ends is not None and ends[0] <= 0 <= ends[1]
