"""A toy of everything, made by the project's own code: a corpus, its tokens, a model of a few seconds."""

import pydoc_data.topics
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lm.compressors.config import CompressorsConfig
from lm.compressors.stage import compress
from lm.config import StageMetrics
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.stage import evaluate
from lm.generate.config import GenerateConfig
from lm.generate.stage import generate
from lm.model.config import TrainingConfig
from lm.progress import silent
from lm.store.artifacts import Store
from lm.store.files import write_json
from lm.text.documents import Document
from lm.text.heldout import extent
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.stage import tokenize
from lm.train.training import Training
from tests.builders import metrics_of
from tests.lm.documents import write_documents

TOY_RECIPE = TrainingConfig(
    layers=2, width=64, heads=2, kv_heads=1, mlp_width=128, context=48, batch_sequences=16,
    steps=60, precision="fp32", seed=1,
)  # fmt: skip
TRAINING_DOCUMENTS, HELDOUT_DOCUMENTS = 60, 24


@dataclass(frozen=True)
class Toy:
    """Folders of a toy run."""

    clean: Path
    tokens: Path
    model: Path
    compressors: Path


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A model trained for 60 steps on some of Python's help topics; 24 short ones are held out."""
    folder = tmp_path_factory.mktemp("toy")
    made = Toy(*(folder / name for name in ("clean", "tokens", "model", "compressors")))
    for path in (made.clean, made.tokens, made.model, made.compressors):
        path.mkdir()
    write_documents(toy_documents(), made.clean)
    compress(made.clean, CompressorsConfig(), made.compressors, silent)
    tokenize(made.clean, TokenizeConfig(vocab_size=512), made.tokens, silent)
    training = Training(TOY_RECIPE, made.tokens, made.model, micro_batch=16, device="cpu", checkpoint_seconds=15)
    training.run_until(TOY_RECIPE.steps, lambda: None, silent)
    training.finish()
    return made


@pytest.fixture(scope="session")
def toy_store(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The toy in a store of its own, with what it was made from and an evaluation and samples made from it."""
    store = Store(tmp_path_factory.mktemp("store"))
    source = {"name": "python-docs", "title": "Help | topics", "address": "embedded:python-docs", "licence": "PSF-2.0",
              "bytes": 123456, "path": "0.txt", "sha256": "ab" * 32, "format": "text", "separator": None}  # fmt: skip
    parts = {"download": {}, "clean": {"download": "0" * 16}, "tokenize": {"clean": "1" * 16},
             "train": {"tokenize": "2" * 16}, "evaluate": {"train": "3" * 16, "tokenize": "2" * 16, "clean": "1" * 16},
             "generate": {"train": "3" * 16, "clean": "1" * 16}}  # fmt: skip
    for number, (stage, inputs) in enumerate(parts.items()):
        config: dict[str, Any] = {}
        metrics: StageMetrics | dict[str, Any] = {}
        with store.writing(stage, str(number) * 16) as out:
            if stage == "download":
                write_json(out / "sources.json", {"schema_version": 1, "sources": [source]})
            elif stage == "evaluate":
                quick = EvaluateConfig(samples=2, sample_tokens=40, resamples=200)
                metrics = evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, quick, out, silent)
            elif stage == "generate":
                metrics = generate(toy.model, toy.clean, GenerateConfig(tokens=60, samples=1), out, silent)
            else:
                folder = getattr(toy, {"tokenize": "tokens", "train": "model"}.get(stage, stage))
                shutil.copytree(folder, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoints"))
                metrics = toy_metrics(toy, stage)
                config = TOY_RECIPE.model_dump(mode="json") if stage == "train" else {}
            store.commit(stage, str(number) * 16, config=config, inputs=inputs, metrics=metrics, seconds=60.0,
                         peak_memory_bytes=2**20, versions={"python": "3.11"})  # fmt: skip
    return store


def toy_metrics(toy: Toy, stage: str) -> dict[str, Any]:
    if stage == "clean":
        counts = {f"{split}_{count}": getattr(extent(toy.clean, split), count)
                  for split in ("train", "heldout") for count in ("documents", "bytes", "characters")}  # fmt: skip
        return metrics_of(stage, **counts)
    return metrics_of(stage)


def toy_documents() -> list[Document]:
    """Some of Python's help topics, the shortest held out."""
    topics = sorted(pydoc_data.topics.topics.items(), key=lambda topic: (len(topic[1]), topic[0]))
    topics = topics[: TRAINING_DOCUMENTS + HELDOUT_DOCUMENTS]
    return [
        Document(name, "python-docs", text, "heldout" if index < HELDOUT_DOCUMENTS else "train")
        for index, (name, text) in enumerate(topics)
    ]
