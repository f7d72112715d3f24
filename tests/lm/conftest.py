"""A toy of everything, made by the project's own code: a corpus, its tokens, a model of a few seconds."""

import pydoc_data.topics
from dataclasses import dataclass
from pathlib import Path

import pytest

from lm.documents import Document, write_documents
from lm.progress import silent
from lm.recipe import Recipe
from lm.tokenize_corpus import TokenizeConfig, tokenize
from lm.training import Training

TRAINING_DOCUMENTS, HELDOUT_DOCUMENTS = 60, 24


@dataclass(frozen=True)
class Toy:
    """Folders of a toy run."""

    clean: Path
    tokens: Path
    model: Path


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Toy:
    """A model trained for 60 steps on some of Python's help topics; 24 short ones are held out."""
    folder = tmp_path_factory.mktemp("toy")
    made = Toy(folder / "clean", folder / "tokens", folder / "model")
    for path in (made.clean, made.tokens, made.model):
        path.mkdir()
    write_documents(toy_documents(), made.clean)
    tokenize(made.clean, TokenizeConfig(vocab_size=512), made.tokens, silent)
    recipe = Recipe(
        layers=2, width=64, heads=2, kv_heads=1, mlp_width=128, context=48, batch_sequences=16,
        steps=60, precision="fp32", seed=1,
    )  # fmt: skip
    training = Training(recipe, made.tokens, made.model, micro_batch=16, device="cpu", checkpoint_seconds=15)
    training.run_until(recipe.steps, lambda: None, silent)
    training.finish()
    return made


def toy_documents() -> list[Document]:
    """Some of Python's help topics, the shortest held out."""
    topics = sorted(pydoc_data.topics.topics.items(), key=lambda topic: (len(topic[1]), topic[0]))
    topics = topics[: TRAINING_DOCUMENTS + HELDOUT_DOCUMENTS]
    return [
        Document(name, "python-docs", text, "heldout" if index < HELDOUT_DOCUMENTS else "train")
        for index, (name, text) in enumerate(topics)
    ]
