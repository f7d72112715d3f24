"""The version of each stage, and the key that follows. Light: the work itself is imported by the child."""

from lm.clean import stage as clean
from lm.config import StageConfig
from lm.evaluate import stage as evaluate
from lm.generate import stage as generate
from lm.store.keys import artifact_key
from lm.tokenize import stage as tokenize_corpus
from lm.train import config as train

# The download stage is not here: its key follows from content (`lm.download.stage.key_of`).
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
