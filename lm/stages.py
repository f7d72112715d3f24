"""The six stages as data: what each is made from, its config, its version. Light: the work is imported by the child."""

from typing import NamedTuple

from lm import clean, download, evaluate, generate, tokenize_corpus, train
from lm.config import StageConfig
from lm.store import artifact_key


class Stage(NamedTuple):
    """One stage; `inputs` names the stages whose artifacts it reads."""

    version: int
    inputs: tuple[str, ...]


STAGES = {
    "download": Stage(download.VERSION, ()),
    "clean": Stage(clean.VERSION, ("download",)),
    "tokenize": Stage(tokenize_corpus.VERSION, ("clean",)),
    "train": Stage(train.VERSION, ("tokenize",)),
    "evaluate": Stage(evaluate.VERSION, ("train", "tokenize", "clean")),
    "generate": Stage(generate.VERSION, ("train", "clean")),
}


def stage_key(stage: str, config: StageConfig, inputs: dict[str, str]) -> str:
    """The key of a stage's artifact for this resolved config and these inputs' keys."""
    return artifact_key(stage, STAGES[stage].version, config.model_dump(mode="json"), inputs)
