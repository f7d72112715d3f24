"""Several seeds of one recipe: how far their numbers differ, and the models that are one ensemble."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, stdev

from lm.errors import BadInput, SlowburnError
from lm.evaluate.result import Evaluation, read_evaluation
from lm.runs.find import find
from lm.runs.run_record import RunRecord, list_runs
from lm.store.artifacts import Artifact, Store

ENSEMBLE = "ensemble"  # the variant of a run that is the mean of all its models
BITS = "bits per byte"


@dataclass(frozen=True)
class Spread:
    """One number of an evaluation, for every seed and for the mean of their probabilities."""

    name: str
    values: tuple[float, ...]
    ensemble: float | None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation between seeds, of a sample of them."""
        return stdev(self.values)


def spread(store: Store, run: RunRecord) -> list[Spread]:
    """How far the seeds of a run differ, number by number; empty where fewer than two were evaluated."""
    variants = {name: stages["evaluate"].key for name, stages in run.variants.items() if "evaluate" in stages}
    if "evaluate" not in run.stages or not variants:
        return []
    found = {name: _numbers(store, key) for name, key in {"": run.stages["evaluate"].key, **variants}.items()}
    ensemble = found.pop(ENSEMBLE, {})
    seeds = [numbers for numbers in found.values() if numbers]
    if len(seeds) < 2:
        return []
    return [
        Spread(name, tuple(numbers[name] for numbers in seeds), ensemble.get(name))
        for name in seeds[0]
        if all(name in numbers for numbers in seeds)
    ]


def ensemble_of(store: Store, name: str | None) -> list[Artifact]:
    """The models of all seeds of a run, the main one first; without a name, of the newest run that has several.

    name: a run, or the key of its main model. Raises BadInput where there is one seed only.
    """
    runs = [run for run in list_runs(store) if len(run.models) > 1]
    if name is not None:
        found = find(store, name)
        named = found.run_id if isinstance(found, RunRecord) else found.key
        runs = [run for run in runs if named in (run.run_id, run.models[0])]
    if not runs:
        whose = f"{name} has one seed only" if name else "no run has several seeds"
        raise BadInput(f"{whose}: run its pipeline again with --seeds 3, what is trained already is kept")
    models = {key: store.find("train", key) for key in runs[0].models}
    missing = [key for key, model in models.items() if model is None]
    if missing:
        raise SlowburnError(f"model {missing[0]} of run {runs[0].run_id} is not here any more: run its pipeline again")
    return [model for model in models.values() if model]


def _numbers(store: Store, key: str) -> dict[str, float]:
    """The numbers of an evaluation by what they are called; none where it is gone or cannot be used."""
    try:
        artifact = store.find("evaluate", key)
        return dict(_named(read_evaluation(artifact))) if artifact else {}
    except (SlowburnError, KeyError, TypeError, AttributeError):  # damaged: `slowburn verify` names it
        return {}


def _named(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    yield BITS, evaluation["bits_per_byte"]
    yield "perplexity per token", evaluation["perplexity_per_token"]
    for name, baseline in evaluation["baselines"].items():
        if name.endswith("-gram"):  # of the others the spread is the same, and the mean moved
            yield f"{BITS} below {name}", baseline["bits_per_byte"] - evaluation["bits_per_byte"]
    if calibration := evaluation.get("calibration"):
        yield "most likely token right, %", 100 * calibration["accuracy"]
        yield "expected calibration error, %", 100 * calibration["expected_calibration_error"]
    if (repetition := evaluation.get("degeneracy")) and "score" in repetition:
        yield "repetition of samples", repetition["score"]
