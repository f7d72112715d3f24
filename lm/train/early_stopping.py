"""Stop where more training only learns the text by heart, and keep the weights that were best until then."""

import hashlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from lm.errors import Damaged
from lm.train.checkpoint import write_tensors
from lm.train.sample_loss import SampleLoss
from lm.train.scratch import BEST_FILE
from lm.train.trainer import Trainer

PATIENCE = 3  # looks in a row that bring nothing better
DIGEST = "sha256"  # of the tensors, in the file's metadata: one rename puts both in place


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
            weights = self.trainer.final_weights()
            write_tensors(self.file, weights, {DIGEST: _digest(weights)})

    def weights(self) -> dict[str, Tensor]:
        """The weights to publish, under Hugging Face's names. Raises Damaged where the best ones are not as written."""
        return _read(self.file) if self.losses else self.trainer.final_weights()

    def state(self) -> list[tuple[int, float]]:
        """All that resuming needs, as JSON; the weights are in their file."""
        return self.losses

    def restore(self, state: list[Any]) -> None:
        """Continue from what `state` gave."""
        self.losses = [(step, loss) for step, loss in state]


def _digest(weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Tensor]:
    """The weights of a file, if they are those that were written; older files cannot tell."""
    try:
        with safe_open(path, framework="pt") as file:
            weights: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 no dict
            expected = (file.metadata() or {}).get(DIGEST)
    except (SafetensorError, OSError) as error:
        raise Damaged(f"{path} cannot be read ({error})") from None
    if expected not in (None, _digest(weights)):
        raise Damaged(f"{path} does not hold what was written")
    return weights
