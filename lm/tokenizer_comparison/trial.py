"""One kind of tokenizer tried: text to tokens, a small model trained on them, and the held-out text scored.

Everything is kept in one folder, so that a trial that was interrupted goes on from its newest checkpoint.
"""

import shutil
from pathlib import Path

from lm.model.config import TrainingConfig
from lm.store.files import write_record
from lm.supervision.job_context import JobContext
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.stage import tokenize
from lm.tokenizer_comparison.comparison import TrialScore

TOKENS, TRAINING = "tokens", "training"
TOKENS_FILE, RESULT_FILE = "tokens.json", "result.json"
FACTS = {"vocab_size", "train_tokens", "train_bytes_per_token"}
CHECKPOINT_SECONDS = 15.0


def make_tokens(child: JobContext, folder: Path, clean: Path, config: TokenizeConfig) -> None:
    """Train the tokenizer and encode the text; what it came to is in `tokens.json`, once it is whole."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / TOKENS).mkdir(parents=True)
    metrics = tokenize(clean, config, folder / TOKENS, child.progress)
    write_record(folder / TOKENS_FILE, metrics.model_dump(mode="json", include=FACTS))


def train_and_score(
    child: JobContext, folder: Path, clean: Path, recipe: TrainingConfig, micro_batch: int, device: str
) -> None:
    """Train the model to its last step and score the held-out text; the result is in `result.json`."""
    from lm.champions.compare_models import heldout_text, unit_nats  # these bring torch
    from lm.train.oom_recovery import OomRecovery
    from lm.train.training import Training

    (folder / TRAINING).mkdir(exist_ok=True)
    training = Training(
        recipe,
        folder / TOKENS,
        folder / TRAINING,
        micro_batch=micro_batch,
        device=device,
        checkpoint_seconds=CHECKPOINT_SECONDS,
    )
    child.stops_itself = True
    child.cap_anew()
    OomRecovery(child, training).run_until(training.recipe.steps)
    child.stops_itself = False
    metrics = training.finish()
    text = heldout_text(clean)
    score = TrialScore(
        nats=tuple(unit_nats(folder / TRAINING, text).tolist()),
        unit=text.unit,
        unit_bytes=tuple(len(stretch) for stretch in text.stretches),
        parameters=metrics.parameters,
        passes=metrics.passes_over_the_data or 0.0,
        seconds=round(training.seconds, 3),
    )
    write_record(folder / RESULT_FILE, score.model_dump(mode="json"))
