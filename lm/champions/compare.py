"""Two models beside each other: what differs in how they were made, and whether one predicts better, by a paired test.

Both read the same held-out text, that of the second. The difference is taken unit by unit (document, or block where
there are few documents) and the units are resampled (see `bootstrap.py`): what is easy or hard for both cancels out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from lm.champions.contest import Contest
from lm.clean.metrics import CleanMetrics
from lm.errors import BadInput, SlowburnError
from lm.formatting import listing
from lm.progress import silent
from lm.runs.lineage import origins, texts_behind
from lm.store.artifacts import Artifact, Store
from lm.store.files import SCHEMA_VERSION

MAX_NAMED = 4  # sources of a text
COMPARED_METRICS = (
    "parameters",
    "vocab_size",
    "trained_tokens",
    "passes_over_the_data",
    "train_bytes",
    "heldout_bytes",
)


class Comparison(BaseModel, frozen=True):
    """Two models, what differs between them, and their contest on the same text (`first` is its champion)."""

    schema_version: int = SCHEMA_VERSION
    first: str
    second: str
    differences: dict[str, tuple[Any, Any]]  # of settings and of what came of them
    contest: Contest
    text: str = ""  # what both read, in words
    warnings: tuple[str, ...] = ()  # what makes the comparison say less than it seems to

    @property
    def verdict(self) -> str:
        """What the paired test says, in words."""
        contest = self.contest
        if contest.difference is None or contest.ci95 is None:
            return (
                f"Only {contest.units} {contest.unit}s of held-out text that {self.first} has not seen: "
                "too few to tell which model is better."
            )
        low, high = contest.ci95
        span = f"(95 % interval {low:+.3f} to {high:+.3f}, paired over {contest.units} {contest.unit}s)"
        if low <= 0 <= high:
            return f"No difference shown: second minus first is {contest.difference:+.3f} bits per byte {span}."
        better = "second" if high < 0 else "first"
        return f"The {better} is better by {abs(contest.difference):.3f} bits per byte {span}."


def compare(store: Store, first: Artifact, second: Artifact) -> Comparison:
    """Compare two models on the held-out text of the second; parts that the first was trained on are left out.

    Raises BadInput when both are the same model, and when the text is not here any more.
    """
    from lm.champions.compare_models import compare_models  # brings torch

    if first.key == second.key:
        raise BadInput(f"both are the model {first.key}: name two different ones (`slowburn inspect` lists them)")
    clean = origins(store, second).get("clean")
    if clean is None:
        raise BadInput(f"the held-out text of {second.key} is not here any more: run its pipeline again")
    return Comparison(
        first=first.key,
        second=second.key,
        differences=_differences(store, first, second),
        contest=compare_models(store, clean, second.key, first.key, [], silent),
        text=f"the held-out text of {listing(_shown(_sources(clean)) or [clean.key])}",
        warnings=tuple(_warnings(store, clean, first)),
    )


def _warnings(store: Store, clean: Artifact, first: Artifact) -> Iterator[str]:
    """Say where the first model never trained on the text that both read, or on a part of it."""
    texts = texts_behind(store, [first.key])
    read, known = set(_sources(clean)), {name for text in texts for name in _sources(text)}
    if clean.key in {text.key for text in texts} or read <= known:
        return
    trained = f"it was trained on {listing(_shown(sorted(known)))}" if known else "on what it was is not known here"
    if read & known:
        yield f"The first never trained on {listing(_shown(sorted(read - known)))}, a part of this text: {trained}."
    else:
        yield (
            f"The first never trained on any of this text: {trained}. What it makes of it says little of how good it "
            "is on its own text: compare the other way round too."
        )


def _sources(clean: Artifact) -> list[str]:
    """Names of the sources of a clean text; none where another version wrote what is said of it."""
    try:
        return list(clean.read_metrics(CleanMetrics).sources)
    except SlowburnError:
        return []


def _shown(names: Sequence[str]) -> list[str]:
    more = len(names) - MAX_NAMED
    return [*names[:MAX_NAMED], f"{more:,} more sources"] if more > 0 else list(names)


def _differences(store: Store, first: Artifact, second: Artifact) -> dict[str, tuple[Any, Any]]:
    one, other = dict(_facts(store, first)), dict(_facts(store, second))
    names = dict.fromkeys([*one, *other])
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def _facts(store: Store, model: Artifact) -> Iterator[tuple[str, Any]]:
    """Settings and outcomes of every stage behind a model, by dotted name."""
    for stage, artifact in origins(store, model).items():
        settings: Mapping[str, Any] = artifact.manifest.config
        yield from ((f"{stage}.{name}", value) for name, value in settings.items())
        metrics = artifact.manifest.metrics
        yield from ((f"{stage}.{name}", metrics[name]) for name in COMPARED_METRICS if name in metrics)
    yield "train.seconds", round(model.manifest.seconds, 1)
