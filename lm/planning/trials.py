"""A few real steps of the models that may suit: which one fits, how fast it is, and with how many threads."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lm.errors import OutOfMemory
from lm.memory.budget import Budget, required_budget
from lm.model.config import TrainingConfig, smaller_micro_batch
from lm.planning.candidates import (
    Choice,
    budget_after_trial,
    cannot_fit,
    fitting,
    least_bytes,
    smallest_choice,
    with_speed,
)
from lm.planning.machine import TrainingMachine
from lm.planning.training_text import TrainingText
from lm.planning.trial_result import TrialResult
from lm.run_config import RunConfig
from lm.train.memory import floor_bytes, planned_bytes, predict_trial

OTHER_SPEED = 1.5  # than the machine is known for: from there on another model may suit it

Probe = Callable[[TrainingConfig, int, int, int], TrialResult]  # recipe, vocabulary's size, micro-batch, threads


class Trial(NamedTuple):
    """A choice that fits, and what a few real steps of it showed."""

    choice: Choice
    micro_batch: int
    threads: int
    probed: TrialResult

    @property
    def flops_per_second(self) -> float:
        """What the trial reached."""
        recipe = self.choice.recipe
        flops = recipe.tokens_per_step * recipe.flops_per_token(self.choice.vocab_size)
        return float(flops / self.probed.step_seconds)


def suited_trial(
    config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe
) -> Trial:
    """A trial of the model that suits the speed which trials reach.

    What a small training reached may be far from that: the machine was busy then, or is now, or a large model uses
    it better. Raises CannotFit.
    """
    trial = _trial(config, text, budget, machine, probe)
    ratio = trial.flops_per_second / machine.training_flops_per_second(trial.choice.recipe.precision)
    if 1 / OTHER_SPEED < ratio < OTHER_SPEED:
        return trial
    other = with_speed(machine, ratio)
    suited = next(fitting(config, text, budget, other), trial.choice)
    if suited.recipe.parameters(suited.vocab_size) == trial.choice.recipe.parameters(trial.choice.vocab_size):
        return trial
    rates, *_ = trial.choice.reasons
    why = f"A trial of that model reached {ratio:.1f} times that speed, so another model was chosen."
    trial = _trial(config, text, budget, other, probe)
    _, *others = trial.choice.reasons
    return trial._replace(choice=trial.choice._replace(reasons=(rates, why, *others)))


def _trial(config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe) -> Trial:
    """Try what suits this machine. Raises CannotFit."""
    threads = config.threads or machine.threads
    choice, micro_batch, probed = _try_candidates(config, text, budget, machine, probe, threads)
    if config.threads is None and machine.device == "cpu":
        threads, probed = _faster(choice, micro_batch, probed, probe, threads)
    return Trial(choice, micro_batch, threads, probed)


def _try_candidates(
    config: RunConfig, text: TrainingText, budget: Budget, machine: TrainingMachine, probe: Probe, threads: int
) -> tuple[Choice, int, TrialResult]:
    """The first candidate whose trial fits, its micro-batch and what was measured. Raises CannotFit.

    Where a trial takes more than was predicted, so would others of its kind, which keep their activations or compute
    them again: those that then would not fit are not tried.
    """
    refused_bytes, low = 0, dict[bool, float]()
    for choice in fitting(config, text, budget, machine):
        kind, floor = choice.recipe.recompute, floor_bytes(machine.device, choice.recipe.precision)
        for micro_batch in _smaller_and_smaller(choice):
            tensors = predict_trial(choice.recipe, choice.vocab_size, micro_batch, machine.device) - floor
            if kind in low and budget_after_trial(floor + low[kind] * tensors) > budget.bytes:
                continue
            try:
                probed = probe(choice.recipe, choice.vocab_size, micro_batch, threads)
            except OutOfMemory as error:
                if not error.ours:
                    raise
                refused_bytes = max(error.peak_bytes, budget.bytes)
            else:
                refused_bytes = probed.peak_memory_bytes
                if budget_after_trial(refused_bytes) <= budget.bytes:
                    return choice, micro_batch, probed
            low[kind] = max(low.get(kind, 0.0), (refused_bytes - floor) / tensors)
    if refused_bytes:
        raise cannot_fit(planned_bytes(max(refused_bytes, budget.bytes)), budget)
    raise cannot_fit(least_bytes(smallest_choice(config, text, machine), machine.device), budget)


def _smaller_and_smaller(choice: Choice) -> Iterator[int]:
    """The choice's micro-batch, then the same training in smaller pieces."""
    micro_batch = choice.micro_batch
    while micro_batch > 1:
        yield micro_batch
        micro_batch = smaller_micro_batch(choice.recipe, micro_batch)
    yield micro_batch


def settle_memory(trial: Trial, recipe: TrainingConfig, device: str, budget: Budget) -> tuple[int, int]:
    """The micro-batch, and what training is expected to take: what its trial took, and what the formula adds to that.

    The trial's recipe had as much dropout and averaging as the steps that were estimated before it; the settled one may
    have more, and then may need smaller pieces.
    """
    choice, micro_batch = trial.choice, trial.micro_batch
    tried = predict_trial(choice.recipe, choice.vocab_size, micro_batch, device)
    while True:
        added = predict_trial(recipe, choice.vocab_size, micro_batch, device) - tried
        predicted = planned_bytes(trial.probed.peak_memory_bytes) + added
        if micro_batch == 1 or required_budget(predicted) <= budget.bytes:
            return micro_batch, predicted
        micro_batch = smaller_micro_batch(recipe, micro_batch)


def _faster(
    choice: Choice, micro_batch: int, probed: TrialResult, probe: Probe, threads: int
) -> tuple[int, TrialResult]:
    """All threads or one, whichever made the trial's steps faster, and its measurements.

    Where another program keeps a core busy, threads that wait for each other at every product are far slower than one.
    """
    if threads == 1:
        return threads, probed
    try:
        alone = probe(choice.recipe, choice.vocab_size, micro_batch, 1)
    except OutOfMemory as error:
        if not error.ours:
            raise
        return threads, probed
    peak_bytes = max(probed.peak_memory_bytes, alone.peak_memory_bytes)
    chosen, faster = (1, alone) if alone.step_seconds < probed.step_seconds else (threads, probed)
    return chosen, faster.model_copy(update={"peak_memory_bytes": peak_bytes})
