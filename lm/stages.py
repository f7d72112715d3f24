"""The version of each stage, and the key that follows. Light: the work itself is imported by the child."""

from lm import clean, evaluate, generate, tokenize_corpus, train
from lm.config import StageConfig
from lm.store import artifact_key

# The download stage is not here: its key follows from content (`lm.download.key_of`).
VERSIONS = {
    "clean": clean.VERSION,
    "tokenize": tokenize_corpus.VERSION,
    "train": train.VERSION,
    "evaluate": evaluate.VERSION,
    "generate": generate.VERSION,
}


def stage_key(stage: str, config: StageConfig, inputs: dict[str, str]) -> str:
    """The key of a stage's artifact for this resolved config and these inputs' keys."""
    return artifact_key(stage, VERSIONS[stage], config.model_dump(mode="json"), inputs)
