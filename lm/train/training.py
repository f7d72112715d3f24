"""One training, chunk by chunk: resumes from the newest checkpoint, steps, records, saves, finishes the model."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from lm.errors import Damaged, SlowburnError, Stopped
from lm.memory.usage import own_peak_bytes
from lm.model.config import TrainingConfig, as_planned
from lm.model.hf_config import WEIGHTS_FILE
from lm.progress import Progress
from lm.store.files import sha256_of
from lm.store.keys import fingerprint
from lm.supervision.work_clock import WorkClock
from lm.tokenizer.merge_table import merge_table
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.tokens import token_count, token_file
from lm.train.calibration import calibrated_weights
from lm.train.checkpoint import Checkpoint, TrainingFacts, load_milestone, load_newest, save_checkpoint
from lm.train.deadline import Deadline
from lm.train.early_stopping import EarlyStopping
from lm.train.finish_time import FinishTime
from lm.train.learning_curve import MetricsLog
from lm.train.metrics import Rollback, TrainMetrics
from lm.train.model_folder import TOKENIZER_FILE, write_model_folder
from lm.train.numerics import numerics
from lm.train.optimiser import lr_multiplier
from lm.train.sample_loss import SampleLoss
from lm.train.schedule import Schedule, read_schedule, write_schedule
from lm.train.scratch import CHECKPOINTS, TOKEN_FILE
from lm.train.trainer import Trainer

MILESTONES = 10  # evenly spaced steps to which a training that diverges goes back, and where early stopping looks
MAX_ROLLBACKS = 3


class Training:
    """A training in its partial folder, ready to go on from the newest checkpoint that is intact.

    All that resuming needs is the trainer's state and `TrainingFacts`: both are written together, and nowhere else.
    """

    def __init__(
        self,
        recipe: TrainingConfig,
        tokens: Path,
        partial: Path,
        *,
        micro_batch: int,
        device: str,
        checkpoint_seconds: float,
        deadline: Deadline | None = None,
        clock: WorkClock | None = None,
        init: Path | None = None,
    ) -> None:
        """`tokens`: the folder of a tokenize artifact; `init`: that of a model to start from.

        `deadline`: when it should be over; None: when its steps are done. `clock`: of this process's share of the
        stage; None: it begins now.
        """
        self._clock = clock or WorkClock()
        self.schedule = read_schedule(partial)
        self.recipe = recipe = self.schedule.applied_to(recipe) if self.schedule else recipe
        self.tokens, self.partial, self.checkpoint_seconds = tokens, partial, checkpoint_seconds
        self.numerics = numerics(device)
        tokenizer = Tokenizer(tokens / TOKENIZER_FILE)
        self.vocab_size = tokenizer.vocab_size
        stream = token_file(tokens, "train", partial / TOKEN_FILE)
        others = merge_table(tokenizer) if recipe.merge_dropout else None
        self.trainer = Trainer(
            recipe, self.vocab_size, stream, micro_batch=micro_batch, device=device, init=init, merge_table=others
        )
        self.heldout = SampleLoss.of_heldout(tokens, recipe.context, micro_batch)
        self.metrics = MetricsLog(recipe)
        self.recipe_hash = fingerprint(as_planned(recipe).model_dump(mode="json"))
        self.milestone_steps = max(1, recipe.planned_steps // MILESTONES)
        self.early_stopping = EarlyStopping(self.trainer, partial)
        self.rollbacks: list[Rollback] = []
        self.resumed_from_step: int | None = None
        self.earlier_seconds, self.earlier_peak_bytes = 0.0, 0
        self.seconds_in_steps = 0.0
        self.deadline = deadline or Deadline(None)
        self.deadline.expect_moves(recipe)
        self.notes = self._resume()
        self._saved_at = time.monotonic()
        self._saved_step: int | None = self.resumed_from_step
        self._finish_time = FinishTime(self.trainer, start_seconds=self._clock.seconds)

    def _resume(self) -> list[str]:
        """Restore the newest intact checkpoint, if any; returns what the user should know about that."""
        folder = self.partial / CHECKPOINTS
        checkpoint, notes = load_newest(folder, self.recipe_hash)
        if checkpoint is None:
            return notes
        try:
            self.early_stopping.restore(checkpoint.facts["early_stopping"])
            self.early_stopping.weights()
        except Damaged as error:  # those weights cannot be had again without the steps before them
            shutil.rmtree(folder)
            self.early_stopping.restore([])
            return [*notes, f"{error}: training begins anew"]
        self._restore(checkpoint)
        self.rollbacks = [Rollback(**rollback) for rollback in checkpoint.facts["rollbacks"]]
        self.resumed_from_step = checkpoint.step or None
        self.earlier_seconds = checkpoint.facts["seconds"]
        self.earlier_peak_bytes = checkpoint.facts["peak_memory_bytes"]
        self.seconds_in_steps = checkpoint.facts.get("seconds_in_steps", 0.0)
        self.trainer.rate_factor = 0.5 ** len(self.rollbacks)
        if checkpoint.facts["numerics"] != self.numerics:
            notes.append(f"the last bits may differ: begun with {checkpoint.facts['numerics']}, now {self.numerics}")
        return notes

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.trainer.restore(checkpoint.tensors)
        self.metrics.restore(checkpoint.facts["metrics"])
        self.early_stopping.restore(checkpoint.facts["early_stopping"])

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be trained."""
        return self.trainer.step_index >= self.recipe.steps or self.early_stopping.is_over

    @property
    def seconds(self) -> float:
        """Time of the stage so far, of all the processes that had a part in it; not while one was stopped or asleep."""
        return self.earlier_seconds + self._clock.seconds

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory any of those processes held."""
        return max(self.earlier_peak_bytes, own_peak_bytes())

    def run_until(self, last_step: int, stop_reason: Callable[[], str | None], progress: Progress) -> None:
        """Step to `last_step`, saving on the way; not so far where the training ends earlier.

        Raises Stopped, with all saved, when `stop_reason` gives one.
        """
        if self.trainer.step_index == 0:
            self.save()
        while self.trainer.step_index < last_step and not self.is_over:
            self._record(self._step())
            progress(self.trainer.step_index, self.recipe.steps, "step", f"loss {self.metrics.smooth_loss:.3f}")
            self._look_for_the_best()
            reason = stop_reason()
            if reason or self._saving_is_due:
                self.save()
            if reason:
                raise Stopped(f"{reason} at step {self.trainer.step_index} of {self.recipe.steps}")
            self._keep_time()
        self.save()

    def _step(self) -> float:
        began = time.monotonic()
        loss = self.trainer.step()
        taken = time.monotonic() - began
        self.seconds_in_steps += taken
        self._finish_time.stepped(taken)
        return loss

    def _keep_time(self) -> None:
        """Move the end where the training would miss its time: kept before a step depends on it."""
        if self.is_over:
            return
        finish_seconds = self._finish_time.seconds
        end = self.deadline.look(self.trainer.step_index, self.recipe.steps, self.seconds, finish_seconds)
        if end:
            self.schedule = Schedule.moved(self.recipe, end)
            write_schedule(self.partial, self.schedule)
            self.recipe = self.trainer.recipe = self.metrics.recipe = self.schedule.applied_to(self.recipe)

    def _record(self, loss: float) -> None:
        """Take in one step's loss; where training has diverged, go back instead."""
        step = self.trainer.step_index
        self.metrics.add(loss)
        if self.metrics.has_diverged:
            self._roll_back(loss)
            return
        if self.metrics.is_due(step):
            self.metrics.write_row(
                step,
                seconds=self.seconds,
                heldout_loss=self._heldout_loss(step),
                learning_rate=self.recipe.muon_rate * lr_multiplier(step - 1, self.recipe) * self.trainer.rate_factor,
                memory_bytes=own_peak_bytes(),
            )

    def _roll_back(self, loss: float) -> None:
        """Go back to the last milestone and on from there with half the rates. Raises SlowburnError at last."""
        step = self.trainer.step_index
        milestone = load_milestone(self.partial / CHECKPOINTS, self.recipe_hash, self.milestone_steps)
        if milestone is None or len(self.rollbacks) == MAX_ROLLBACKS:
            raise SlowburnError(
                f"train: the loss diverged to {loss:.3g} at step {step}, with smaller rates too; lower them, for "
                f"example with --set train.muon_rate={self.recipe.muon_rate / 8:g} train.adam_rate="
                f"{self.recipe.adam_rate / 8:g}"
            )
        self._restore(milestone)
        self._saved_step = None
        self.rollbacks.append(Rollback(step=step, back_to=milestone.step))
        self.trainer.rate_factor = 0.5 ** len(self.rollbacks)
        self.notes.append(
            f"the loss diverged to {loss:.3g} at step {step}: back to step {milestone.step}, on with half the rates"
        )

    @property
    def _at_milestone(self) -> bool:
        return self.trainer.step_index % self.milestone_steps == 0

    @property
    def _saving_is_due(self) -> bool:
        return self._at_milestone or time.monotonic() - self._saved_at >= self.checkpoint_seconds

    def _look_for_the_best(self) -> None:
        """At a milestone, measure on text that was kept back, if any was."""
        if self._at_milestone:
            self.early_stopping.look()
        if self.early_stopping.is_over:
            self.notes.append(
                f"stopped at step {self.trainer.step_index}: on text set aside for this, nothing was better than the "
                f"weights of step {self.early_stopping.best_step}, which are kept"
            )

    def _heldout_loss(self, step: int) -> float | None:
        if not self.metrics.wants_heldout_loss(step):
            return None
        with self.trainer.published() as model:
            return self.heldout.measure(model)

    def save(self) -> None:
        """Write a checkpoint of this very step, unless it was the last thing done."""
        if self._saved_step == self.trainer.step_index:
            return
        facts: TrainingFacts = {
            "metrics": self.metrics.state(),
            "early_stopping": self.early_stopping.state(),
            "rollbacks": [rollback.model_dump() for rollback in self.rollbacks],
            "seconds": self.seconds,
            "seconds_in_steps": self.seconds_in_steps,
            "peak_memory_bytes": self.peak_memory_bytes,
            "numerics": self.numerics,
            "recipe": self.recipe_hash,
        }
        began = time.monotonic()
        save_checkpoint(
            self.partial / CHECKPOINTS,
            self.trainer.step_index,
            self.trainer.state(),
            facts,
            milestone_steps=self.milestone_steps,
        )
        self._saved_at, self._saved_step = time.monotonic(), self.trainer.step_index
        self._finish_time.saved(self._saved_at - began)

    def finish(self) -> TrainMetrics:
        """Write the model's folder, complete but for its manifest, and return the metrics."""
        weights, temperature = calibrated_weights(self.trainer, self.early_stopping.weights())
        limits = write_model_folder(self.partial, self.recipe, self.vocab_size, weights, self.tokens)
        self.metrics.write(self.partial / "metrics.parquet")
        checkpoint = self.partial / CHECKPOINTS / f"step-{self.trainer.step_index:08d}.safetensors"
        trained_tokens = self.trainer.step_index * self.recipe.tokens_per_step
        return TrainMetrics(
            steps=self.trainer.step_index,
            resumed_from_step=self.resumed_from_step,
            parameters=self.recipe.parameters(self.vocab_size),
            vocab_size=self.vocab_size,
            trained_tokens=trained_tokens,
            passes_over_the_data=round(trained_tokens / token_count(self.tokens, "train"), 2),
            final_loss=self.metrics.rows[-1]["loss"],
            seconds_in_steps=round(self.seconds_in_steps, 3),
            weights_sha256=sha256_of(self.partial / WEIGHTS_FILE),
            best_step=self.early_stopping.best_step,
            temperature=temperature,
            merge_dropout=self.recipe.merge_dropout if self.trainer.bpe_dropout else 0.0,
            rollbacks=tuple(self.rollbacks),
            final_state_sha256=sha256_of(checkpoint),
            notes=(*self.notes, *([limits] if limits else [])),
        )
