"""Stop where more training only learns the text by heart, and keep the weights that were best until then."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from lm.train.checkpoint import write_tensors
from lm.train.sample_loss import SampleLoss
from lm.train.trainer import Trainer

PATIENCE = 3  # looks in a row that bring nothing better
BEST_FILE = "best.safetensors"


class EarlyStopping:
    """Looks at a part of the training text that was kept back. Without such a part it never stops anything."""

    def __init__(self, trainer: Trainer, folder: Path) -> None:
        self.trainer, self.file = trainer, folder / BEST_FILE
        tokens, kept_back = trainer.tokens, trainer.kept_back_tokens
        looks = trainer.recipe.validation_share > 0 and kept_back > 1
        self._loss = SampleLoss(tokens, trainer.recipe.context, trainer.micro_batch, kept_back) if looks else None
        self.losses: list[tuple[int, float]] = []  # step and loss of every look

    @property
    def best_step(self) -> int | None:
        """The step whose weights are kept; None where the last ones are to be used."""
        return min(self.losses, key=lambda look: look[1])[0] if self.losses else None

    @property
    def is_over(self) -> bool:
        """Whether the last looks brought nothing better."""
        return self.best_step is not None and self.best_step < min(step for step, _ in self.losses[-PATIENCE:])

    def look(self) -> None:
        """Measure, and keep the weights if they are the best so far."""
        if self._loss is None or self.trainer.step_index in (step for step, _ in self.losses):
            return
        with self.trainer.published() as model:
            self._loss.micro_batch = self.trainer.micro_batch  # memory may have made it smaller
            self.losses.append((self.trainer.step_index, self._loss.measure(model)))
        if self.best_step == self.trainer.step_index:
            write_tensors(self.file, self.trainer.final_weights())

    def weights(self) -> dict[str, Tensor]:
        """The weights to publish, under Hugging Face's names."""
        return load_file(self.file) if self.losses else self.trainer.final_weights()

    def state(self) -> list[tuple[int, float]]:
        """All that resuming needs, as JSON; the weights are in their file."""
        return self.losses

    def restore(self, state: list[Any]) -> None:
        """Continue from what `state` gave."""
        self.losses = [(step, loss) for step, loss in state]
