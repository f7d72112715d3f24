"""The evaluate stage: what a model is worth on the held-out text, beside baselines and human text."""

from collections.abc import Sequence
from pathlib import Path

from lm.evaluate.config import EvaluateConfig
from lm.evaluate.metrics import EvaluateMetrics
from lm.evaluate.result import EVALUATION_FILE
from lm.progress import Progress


def evaluate(
    model: Path,
    tokens: Path,
    clean: Path,
    compressors: Path,
    config: EvaluateConfig,
    out: Path,
    progress: Progress,
    *,
    replicas: Sequence[Path] = (),
) -> EvaluateMetrics:
    """Measure the model in folder `model` on the held-out split of `tokens` and `clean`; write `evaluation.json`.

    Folder `compressors` says what the same text costs the compressors.

    With `replicas`, trained on the same tokens, what is measured is the mean of all their probabilities and its own.
    Returns the headline metrics. Raises SlowburnError when the three do not belong together.
    """
    from lm.evaluate.evaluation import evaluation, headline  # torch and all: not for readers of the config
    from lm.store.files import write_json

    result = evaluation([model, *replicas], tokens, clean, compressors, config, progress)
    write_json(out / EVALUATION_FILE, result)
    return headline(result)
