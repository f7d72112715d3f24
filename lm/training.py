"""One training, chunk by chunk: resumes from the newest checkpoint, steps, records, saves, finishes the model."""

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lm.checkpoint import load_newest, save_checkpoint
from lm.errors import SlowburnError, Stopped
from lm.heldout_loss import HeldoutLoss
from lm.hf_tokenizer import write_hugging_face_tokenizer
from lm.memory import own_peak_bytes
from lm.metrics import MetricsLog
from lm.model import WEIGHTS_FILE, save_model
from lm.optimiser import rate_share
from lm.progress import Progress
from lm.recipe import Recipe
from lm.store import sha256_of
from lm.tokenizer import Tokenizer
from lm.tokens import memory_map, token_count
from lm.trainer import Trainer

CHECKPOINTS = "checkpoints"
TOKEN_MAP = "train.tokens"
SCRATCH = (CHECKPOINTS, TOKEN_MAP)  # what a finished model's folder does not keep


def numerics(device: str) -> dict[str, Any]:
    """What may change the last bits of a result without being part of its key."""
    return {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "compiled": False,
    }


class Training:
    """A training in its partial folder, ready to go on from the newest checkpoint that is intact.

    All that resuming needs is the trainer's state and `_facts`: both are written together, and nowhere else.
    """

    def __init__(
        self,
        recipe: Recipe,
        tokens: Path,
        partial: Path,
        *,
        micro_batch: int,
        device: str,
        checkpoint_seconds: float,
        init: Path | None = None,
    ) -> None:
        """`tokens`: the folder of a tokenize artifact; `init`: that of a model to start from."""
        self.recipe, self.tokens, self.partial = recipe, tokens, partial
        self.checkpoint_seconds = checkpoint_seconds
        self.numerics = numerics(device)
        self.vocab_size = Tokenizer(tokens / "tokenizer.model").vocab_size
        stream = memory_map(tokens, "train", partial / TOKEN_MAP)
        self.trainer = Trainer(recipe, self.vocab_size, stream, micro_batch=micro_batch, device=device, init=init)
        self.heldout = HeldoutLoss(tokens, recipe, micro_batch)
        self.metrics = MetricsLog(recipe)
        self.resumed_from_step: int | None = None
        self.earlier_seconds, self.earlier_peak_bytes = 0.0, 0
        self.notes = self._resume()
        self._started = self._saved_at = time.monotonic()

    def _resume(self) -> list[str]:
        """Restore the newest intact checkpoint, if any; returns what the user should know about that."""
        checkpoint, notes = load_newest(self.partial / CHECKPOINTS)
        if checkpoint is None:
            return notes
        self.trainer.restore(checkpoint.tensors)
        self.metrics.restore(checkpoint.facts["metrics"])
        self.resumed_from_step = checkpoint.step
        self.earlier_seconds = checkpoint.facts["seconds"]
        self.earlier_peak_bytes = checkpoint.facts["peak_memory_bytes"]
        if checkpoint.facts["numerics"] != self.numerics:
            notes.append(f"the last bits may differ: begun with {checkpoint.facts['numerics']}, now {self.numerics}")
        return notes

    @property
    def seconds(self) -> float:
        """Training time so far, of all the processes that had a part in it."""
        return self.earlier_seconds + time.monotonic() - self._started

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory any of those processes held."""
        return max(self.earlier_peak_bytes, own_peak_bytes())

    def run_until(self, last_step: int, stop_reason: Callable[[], str | None], progress: Progress) -> None:
        """Step to `last_step`, saving on the way. Raises Stopped, with all saved, when `stop_reason` gives one."""
        while self.trainer.step_index < last_step:
            self._record(self.trainer.step())
            progress(self.trainer.step_index, self.recipe.steps, "step", f"loss {self.metrics.smooth_loss:.3f}")
            reason = stop_reason()
            if reason or time.monotonic() - self._saved_at >= self.checkpoint_seconds:
                self.save()
            if reason:
                raise Stopped(f"{reason} at step {self.trainer.step_index} of {self.recipe.steps}")
        self.save()

    def _record(self, loss: float) -> None:
        """Take in one step's loss. Raises SlowburnError when training has diverged."""
        step = self.trainer.step_index
        if not math.isfinite(loss):
            raise SlowburnError(
                f"train: the loss became {loss} at step {step}; lower the rates, for example with "
                f"--set train.muon_rate={self.recipe.muon_rate / 2:g}"
            )
        self.metrics.add(loss)
        if self.metrics.is_due(step):
            self.metrics.write_row(
                step,
                seconds=self.seconds,
                heldout_loss=self._heldout_loss(step),
                learning_rate=self.recipe.muon_rate * rate_share(step - 1, self.recipe),
                memory_bytes=own_peak_bytes(),
            )

    def _heldout_loss(self, step: int) -> float | None:
        return self.heldout.measure(self.trainer.model) if self.metrics.wants_heldout_loss(step) else None

    def save(self) -> None:
        """Write a checkpoint of this very step."""
        facts = {
            "metrics": self.metrics.state(),
            "seconds": self.seconds,
            "peak_memory_bytes": self.peak_memory_bytes,
            "numerics": self.numerics,
        }
        save_checkpoint(self.partial / CHECKPOINTS, self.trainer.step_index, self.trainer.state(), facts)
        self._saved_at = time.monotonic()

    def finish(self) -> dict[str, Any]:
        """Write the model's folder, complete but for its manifest, and return the metrics."""
        save_model(self.partial, self.recipe, self.vocab_size, self.trainer.final_weights())
        shutil.copyfile(self.tokens / "tokenizer.model", self.partial / "tokenizer.model")
        limits = write_hugging_face_tokenizer(self.partial / "tokenizer.model", self.partial)
        self.metrics.write(self.partial / "metrics.parquet")
        checkpoint = self.partial / CHECKPOINTS / f"step-{self.trainer.step_index:08d}.safetensors"
        trained_tokens = self.recipe.steps * self.recipe.tokens_per_step
        return {
            "steps": self.trainer.step_index,
            "resumed_from_step": self.resumed_from_step,
            "parameters": self.recipe.parameters(self.vocab_size),
            "vocab_size": self.vocab_size,
            "trained_tokens": trained_tokens,
            "passes_over_the_data": round(trained_tokens / token_count(self.tokens, "train"), 2),
            "final_loss": self.metrics.rows[-1]["loss"],
            "weights_sha256": sha256_of(self.partial / WEIGHTS_FILE),
            "final_state_sha256": sha256_of(checkpoint),
            "notes": [*self.notes, *([limits] if limits else [])],
        }
