"""The generate stage: samples from prompts, each with the passage of the training text that it comes nearest to."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lm.generate.config import GenerateConfig
from lm.generate.metrics import GenerateMetrics
from lm.model.sampling_params import SamplingParams
from lm.progress import Progress

SAMPLES_FILE = "samples.parquet"


def generate(model: Path, clean: Path, config: GenerateConfig, out: Path, progress: Progress) -> GenerateMetrics:
    """Sample from the model in folder `model` and write `samples.parquet`; return what a reader wants first.

    Raises BadInput for a prompt that is no text.
    """
    from lm.generate.samples import sample_prompts  # torch and all: not for readers of the config

    return sample_prompts(model, clean, config, out / SAMPLES_FILE, progress)


def stream(
    model: Path,
    prompt: str,
    sampling: SamplingParams,
    *,
    tokens: int,
    seed: int,
    stop: Sequence[str] = (),
    tell: Callable[[str], object] = lambda note: None,
    replicas: Sequence[Path] = (),
) -> Iterator[str]:
    """Yield the continuation of a prompt piece by piece, as the model in folder `model` writes it.

    Never yields a part of a character. `tell` is given, in a line, what the user should know before the first piece.
    With `replicas`, models of the same tokenizer, each token is drawn from the mean of all their probabilities.
    Raises BadInput, at once, for a prompt that is no text, fewer than one token, or a seed below 0.
    """
    from lm.generate.samples import stream_text  # torch and all: not for readers of the config

    return stream_text([model, *replicas], prompt, sampling, tokens=tokens, seed=seed, stop=stop, tell=tell)
