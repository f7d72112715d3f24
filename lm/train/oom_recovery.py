"""Training with less memory without stopping: the same step in smaller pieces, and what was freed given back.

Sums are then added in another order: the same training within rounding, not to the last bit.
"""

import gc
from typing import TYPE_CHECKING

from lm.errors import Stopped
from lm.memory.budget import SOFT_SHARE
from lm.memory.malloc import trim_malloc
from lm.memory.usage import is_refusal, resident_bytes
from lm.model.config import smaller_micro_batch
from lm.train.downshift import record_downshift

if TYPE_CHECKING:
    from lm.supervision.job_context import JobContext
    from lm.train.training import Training

MIN_GAIN_SHARE = 0.02  # of the budget: what gains less only delays the end


class OomRecovery:
    """Runs a training for a child and makes it smaller when the parent asks, or when memory was refused."""

    def __init__(self, child: "JobContext", training: "Training") -> None:
        self.child, self.training = child, training
        self._gave_up = False

    def run_until(self, last_step: int) -> None:
        """Train to `last_step`, as `Training.run_until` does.

        Raises MemoryError, with all saved, when smaller pieces are not enough.
        """
        while True:
            try:
                self.training.run_until(last_step, self._stop_reason, self.child.progress)
                return
            except Stopped:
                if self._gave_up:
                    raise MemoryError("smaller pieces are not enough") from None
                raise
            except (MemoryError, RuntimeError) as error:
                if not is_refusal(error) or self.training.trainer.is_updating:
                    raise
            self._after_refusal()  # here, where the failed step's tensors are gone with its traceback

    def _stop_reason(self) -> str | None:
        """Between two steps: do with less where the parent has asked for it; why to stop, if there is a reason."""
        asked, self.child.shrink_reason = self.child.shrink_reason, None
        if asked and not self._shrink(asked, self._sufficient_micro_batch()):
            self._gave_up = True
            self.child.stop("memory")
        return self.child.stop_reason

    def _after_refusal(self) -> None:
        """Nothing of the failed step has reached the weights: free what it left, and go on in smaller pieces."""
        trainer = self.training.trainer
        trainer.clear_gradients()
        gc.collect()
        trim_malloc()
        smaller = smaller_micro_batch(trainer.recipe, trainer.micro_batch) if trainer.micro_batch > 1 else None
        if not self._shrink("it could get no more memory", smaller):
            self.training.save()
            raise MemoryError("smaller pieces are not enough")

    def _sufficient_micro_batch(self) -> int | None:
        """The largest smaller micro-batch with which the process should stay below its soft limit; None for none.

        What a step took beyond what lasts between steps shrinks with the micro-batch.
        """
        trainer, budget_bytes = self.training.trainer, self.child.budget_bytes
        before = resident_bytes()
        gc.collect()
        trim_malloc()
        lasting = resident_bytes()
        size = trainer.micro_batch
        while size > 1:
            size = smaller_micro_batch(trainer.recipe, size)
            expected = lasting + (before - lasting) * size / trainer.micro_batch
            if expected < SOFT_SHARE * budget_bytes and before - expected > MIN_GAIN_SHARE * budget_bytes:
                return size
        return None

    def _shrink(self, reason: str, micro_batch: int | None) -> bool:
        if micro_batch is None:
            return False
        training = self.training
        step, old = training.trainer.step_index, training.trainer.micro_batch
        training.trainer.micro_batch = training.heldout.micro_batch = micro_batch
        record_downshift(training.partial, old, micro_batch, f"step {step}: {reason}")
        note = f"near the memory budget at step {step} ({reason}): {micro_batch} sequences at a time instead of {old}"
        self.child.tell_shrunk(f"train: {note}")
        return True
