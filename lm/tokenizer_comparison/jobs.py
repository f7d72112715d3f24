"""What a supervised child does for a comparison of tokenizers."""

from pathlib import Path

from lm.model.config import TrainingConfig
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.tokenize.config import TokenizeConfig


@job
def make_trial_tokens(context: JobContext, folder: Path, clean: Path, config: TokenizeConfig) -> None:
    """Train the tokenizer of one trial, and encode the text with it."""
    from lm.tokenizer_comparison.trial import make_tokens

    make_tokens(context, folder, clean, config)


@job
def try_tokenizer(
    context: JobContext, folder: Path, clean: Path, recipe: TrainingConfig, micro_batch: int, device: str
) -> None:
    """Train the model of one trial, and score the held-out text with it."""
    context.use_torch()
    from lm.tokenizer_comparison.trial import train_and_score

    train_and_score(context, folder, clean, recipe, micro_batch, device)
