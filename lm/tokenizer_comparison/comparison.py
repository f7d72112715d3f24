"""Which kind of tokenizer suits a text: each kind's tokenizer, and a small model of its own, at equal compute.

All models have the same layers and the same number of floating-point operations to learn with; a large vocabulary costs
operations in each step, a small one more steps for the same text. The held-out text is scored in bits per byte, which
do not depend on the tokenizer, over the same units, so that differences are paired (see `bootstrap.py`).

Light: the work is in `tokenizer_trial.py`, done by supervised children.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from lm.champions.contest import MIN_UNITS
from lm.evaluate.bootstrap import Float64s, interval, resampled_rates
from lm.model.config import TrainingConfig, with_steps
from lm.planning.choose import MAX_PASSES, MIN_STEPS, suited_for
from lm.store.files import SCHEMA_VERSION
from lm.tokenizer.kinds import KINDS, Kind

RESAMPLES = 4000
LN2 = float(np.log(2))


class Tokens(NamedTuple):
    """What a kind of tokenizer made of the training text."""

    vocab_size: int
    train_tokens: int
    bytes_per_token: float


class Setup(BaseModel, frozen=True):
    """What every kind of tokenizer is given, settled once: an interrupted comparison goes on with it."""

    schema_version: int = SCHEMA_VERSION
    recipe: TrainingConfig  # its steps are set for each kind
    vocab_size: int  # of the kinds that let it be chosen
    micro_batch: int
    threads: int
    device: str
    flops: float  # of each training, at most
    step_seconds: float
    reasons: tuple[str, ...]


class TrialScore(BaseModel, frozen=True):
    """What the model of one kind came to, as `result.json` of its trial keeps it."""

    nats: tuple[float, ...]  # of each unit
    unit: str
    unit_bytes: tuple[int, ...]
    parameters: int
    passes: float
    seconds: float


class Trial(BaseModel, frozen=True):
    """One kind: its tokenizer, its model, and what it makes of the held-out text."""

    kind: Kind
    vocab_size: int
    bytes_per_token: float  # of training text
    parameters: int
    steps: int
    passes: float
    seconds: float
    bits_per_byte: float
    ci95: tuple[float, float] | None
    minus_best: float  # in bits per byte, over the same units
    minus_best_ci95: tuple[float, float] | None

    @property
    def is_level(self) -> bool:
        """Whether it is not shown to be worse than the best."""
        return self.minus_best_ci95 is None or self.minus_best_ci95[0] <= 0


class TokenizerContest(BaseModel, frozen=True):
    """All kinds beside each other, the best first."""

    schema_version: int = SCHEMA_VERSION
    key: str
    text: str  # key of the clean artifact
    train_bytes: int
    heldout_bytes: int  # that were scored
    unit: str
    units: int
    flops: float  # that each model was trained with
    layers: int
    width: int
    reasons: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def verdict(self) -> str:
        """Which is best, and which are not shown to be worse, in words."""
        best, *others = self.trials
        level = [trial.kind for trial in others if trial.is_level]
        numbers = f"{best.kind} reached {best.bits_per_byte:.3f} bits per byte of held-out text"
        if best.ci95 is None:
            return f"{numbers}, the lowest; too little held-out text to tell more."
        if level:
            return f"{numbers}, the lowest, but {' and '.join(level)} {_not_shown(level)}."
        return f"{numbers}, and every other is shown to be worse."


def _not_shown(level: Sequence[str]) -> str:
    return f"{'is' if len(level) == 1 else 'are'} not shown to be worse"


def equal_compute(setup: Setup, tokens: Mapping[Kind, Tokens]) -> dict[Kind, TrainingConfig]:
    """A recipe for each kind: as many steps as the same operations allow, none reading its text too often."""
    recipe = setup.recipe
    per_step = {kind: recipe.tokens_per_step * recipe.flops_per_token(tokens[kind].vocab_size) for kind in tokens}
    most = min(
        MAX_PASSES * tokens[kind].train_tokens / recipe.tokens_per_step * cost for kind, cost in per_step.items()
    )
    recipes = dict[Kind, TrainingConfig]()
    for kind, cost in per_step.items():
        steps = max(MIN_STEPS, round(min(setup.flops, most) / cost))
        passes = steps * recipe.tokens_per_step / tokens[kind].train_tokens
        recipes[kind] = suited_for(with_steps(recipe, steps), passes)
    return recipes


def conclude(
    scores: Mapping[Kind, TrialScore],
    tokens: Mapping[Kind, Tokens],
    recipes: Mapping[Kind, TrainingConfig],
    sizes: Float64s,
) -> tuple[Trial, ...]:
    """Turn what the trials came to into intervals and paired differences; the best first.

    sizes: bytes of each unit, (units,).
    """
    nats = {kind: np.asarray(result.nats, np.float64) for kind, result in scores.items()}
    best = min(nats, key=lambda kind: nats[kind].sum())
    trials = [
        Trial(
            kind=kind,
            vocab_size=tokens[kind].vocab_size,
            bytes_per_token=tokens[kind].bytes_per_token,
            parameters=result.parameters,
            steps=recipes[kind].steps,
            passes=result.passes,
            seconds=result.seconds,
            bits_per_byte=_rate(nats[kind], sizes),
            ci95=_interval(nats[kind], sizes),
            minus_best=_rate(nats[kind] - nats[best], sizes),
            minus_best_ci95=None if kind == best else _interval(nats[kind] - nats[best], sizes),
        )
        for kind, result in scores.items()
    ]
    return tuple(sorted(trials, key=lambda trial: (trial.bits_per_byte, KINDS.index(trial.kind))))


def _rate(nats: Float64s, sizes: Float64s) -> float:
    return float(nats.sum() / sizes.sum() / LN2)


def _interval(nats: Float64s, sizes: Float64s) -> tuple[float, float] | None:
    if len(sizes) < MIN_UNITS:
        return None
    return interval(resampled_rates(nats / LN2, sizes, resamples=RESAMPLES))
