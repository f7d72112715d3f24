"""How long a training will take after its last step: a last look and a checkpoint, calibration, the model's files."""

from lm.train import calibration, sample_loss
from lm.train.trainer import Trainer

FORWARD_SHARE = 1 / 3  # of a step: a look takes no gradients
LEAVING_SHARE = 0.2  # of the time that the process took to start: what is as slow as this machine is now
SAVES = 2.0  # the last checkpoint, and the model's own files


class FinishTime:
    """Learns from what this process has taken so far."""

    def __init__(self, trainer: Trainer, start_seconds: float) -> None:
        """`start_seconds`: from the start of the process to the first step."""
        self._trainer, self._start_seconds = trainer, start_seconds
        self._save_seconds = 0.0
        self._steps, self._step_seconds = 0, 0.0

    def stepped(self, seconds: float) -> None:
        """Note what a step took."""
        self._steps += 1
        self._step_seconds += seconds

    def saved(self, seconds: float) -> None:
        """Note what a checkpoint took."""
        self._save_seconds = seconds

    @property
    def seconds(self) -> float:
        """What the rest should take."""
        recipe = self._trainer.recipe
        calibrates = self._trainer.kept_back_tokens >= calibration.MIN_TOKENS
        windows = sample_loss.WINDOWS + (calibration.WINDOWS if calibrates else 0)
        sequence_seconds = self._step_seconds / max(1, self._steps) / recipe.batch_sequences
        return (
            LEAVING_SHARE * self._start_seconds
            + SAVES * self._save_seconds
            + FORWARD_SHARE * windows * sequence_seconds
        )
