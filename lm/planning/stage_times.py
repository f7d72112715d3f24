"""Predict how long each stage takes: rough, from one core of machine C in docs/experiments/README.md."""

from lm.model.config import TrainingConfig

NETWORK_BYTES_PER_SECOND = 2e6  # a modest line: nothing of it can be known beforehand
COPY_BYTES_PER_SECOND = 3e8
HARVEST_SECONDS = 8.0  # reading the interpreter's own documentation
RUN_START_SECONDS = 10.0  # from the command to the first stage: Prefect, and its embedded server
REPORT_SECONDS = 5.0  # from the last stage to the end of the process
START_SECONDS = 1.0  # of a child without torch
TORCH_START_SECONDS = 2.0
CLEAN_BYTES_PER_SECOND = 19e6  # of what every worker does for itself
ASSEMBLY_BYTES_PER_SECOND = 50e6  # of what one process does for all
TOKENIZER_BYTES_PER_SECOND = 5e6  # of the sample that the tokenizer is trained on
ENCODE_BYTES_PER_SECOND = 3e6
BASELINE_BYTES_PER_SECOND = 1.5e6  # n-grams, of the text that they read
ZPAQ_BYTES_PER_SECOND, PPMD_BYTES_PER_SECOND = 0.18e6, 3.5e6
ZPAQ_READINGS, PPMD_READINGS = 6, 18  # of the training text: alone, before the held-out text, before each piece of it
SCORING_WINDOWS = 2  # they overlap by half
FORWARD_SHARE = 1 / 3  # of the arithmetic of training on a token
TOKEN_SECONDS = 0.0005  # to write one token, of a small model
TOKEN_FLOPS_PER_SECOND = 4e9  # one token at a time, a model's weights are read rather than multiplied
TRIAL_SECONDS = 5.5  # of the plan, for each count of threads that is tried


def download_seconds(total_bytes: int, *, over_network: bool, embedded: bool) -> float:
    """Fetching or copying, and hashing."""
    fetch = total_bytes / NETWORK_BYTES_PER_SECOND if over_network else 0.0
    return START_SECONDS + fetch + (HARVEST_SECONDS if embedded else 0.0) + total_bytes / COPY_BYTES_PER_SECOND


def clean_seconds(total_bytes: int, workers: int) -> float:
    """Each source by itself, then all of them together."""
    return START_SECONDS + total_bytes * (1 / (workers * CLEAN_BYTES_PER_SECOND) + 1 / ASSEMBLY_BYTES_PER_SECOND)


def plan_seconds(threads: int) -> float:
    """A trial with all threads and with one; the machine is measured before anything is forecast."""
    return (TORCH_START_SECONDS + TRIAL_SECONDS) * (2 if threads > 1 else 1)


def tokenize_seconds(total_bytes: int, sample_bytes: int) -> float:
    """Training the tokenizer on a sample, then encoding everything."""
    trained = min(total_bytes, sample_bytes)
    return START_SECONDS + trained / TOKENIZER_BYTES_PER_SECOND + total_bytes / ENCODE_BYTES_PER_SECOND


def compressors_seconds(training_bytes: int, cap_bytes: int, threads: int, *, zpaq: bool) -> float:
    """The training text is read again and again, each time with another piece after it; by zpaq two at once."""
    of_zpaq = zpaq * ZPAQ_READINGS / ZPAQ_BYTES_PER_SECOND / min(threads, 2)
    return START_SECONDS + min(training_bytes, cap_bytes) * (PPMD_READINGS / PPMD_BYTES_PER_SECOND + of_zpaq)


def evaluate_seconds(
    recipe: TrainingConfig,
    vocab_size: int,
    *,
    heldout_tokens: float,
    baseline_bytes: int,
    written_tokens: int,
    reached_flops: float,
) -> float:
    """Baselines, the model on the held-out text, and samples judged for repetition; `reached_flops` a second."""
    flops = heldout_tokens * SCORING_WINDOWS * recipe.flops_per_token(vocab_size) * FORWARD_SHARE
    writing = generate_seconds(recipe, vocab_size, written_tokens) - START_SECONDS
    return TORCH_START_SECONDS + baseline_bytes / BASELINE_BYTES_PER_SECOND + flops / reached_flops + writing


def generate_seconds(recipe: TrainingConfig, vocab_size: int, written_tokens: int) -> float:
    """One token after another."""
    each = TOKEN_SECONDS + recipe.flops_per_token(vocab_size) * FORWARD_SHARE / TOKEN_FLOPS_PER_SECOND
    return START_SECONDS + written_tokens * each
