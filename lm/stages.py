"""The registry of stages: what the rest of the house must know of each. Light: the work is imported by the child."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from lm.clean import memory as clean_memory
from lm.clean.config import VERSION as CLEAN_VERSION
from lm.clean.config import CleanConfig
from lm.clean.jobs import make_documents
from lm.clean.metrics import CleanMetrics
from lm.compressors import memory as compressors_memory
from lm.compressors.config import CompressorsConfig
from lm.compressors.jobs import make_compressors
from lm.compressors.metrics import CompressorsMetrics
from lm.config import StageConfig, StageMetrics
from lm.download import memory as download_memory
from lm.download.config import DownloadConfig
from lm.download.metrics import DownloadMetrics
from lm.evaluate import memory as evaluate_memory
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.jobs import make_evaluation
from lm.evaluate.metrics import EvaluateMetrics
from lm.generate import memory as generate_memory
from lm.generate.config import GenerateConfig
from lm.generate.jobs import make_samples
from lm.generate.metrics import GenerateMetrics
from lm.model.config import TrainingConfig
from lm.store import layout
from lm.store.artifacts import Artifact, Manifest, Store
from lm.store.keys import artifact_key
from lm.store.layout import REPLICAS, is_known, position, stage_names, stage_of
from lm.store.work import StageWork
from lm.supervision.job import Job
from lm.tokenize import memory as tokenize_memory
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.jobs import make_tokens
from lm.tokenize.metrics import TokenizeMetrics
from lm.train import memory as train_memory
from lm.train.metrics import TrainMetrics
from lm.train.scratch import SCRATCH

__all__ = ["is_known", "position", "stage_names", "stage_of"]  # what is asked of the registry on the floors above

Predict = Callable[[Any, Mapping[str, Artifact], int], int]  # config, inputs by name, budget in bytes -> bytes


@dataclass(frozen=True)
class Stage:
    """One stage.

    `version` rises when the same config and inputs give other content. `config` is what a manifest of it holds,
    `metrics` what it says of its artifact and how that is told in one line. `predict` says what making it will take of
    memory, in bytes. `make` is the job that makes it; download and train, whose artifacts take several jobs, have
    drivers of their own. `roles` are other names that its artifacts go by as inputs. `scratch` is what only
    the folder of an unfinished one holds.
    """

    name: str
    folder: str
    version: int
    config: type[StageConfig]
    metrics: type[StageMetrics]
    predict: Predict
    make: Job[[StageWork], None] | None = None
    roles: tuple[str, ...] = ()
    scratch: tuple[str, ...] = ()
    module: str = __name__


_stages: dict[str, Stage] = {}


def register(stage: Stage) -> Stage:
    """Enter a stage, after those that are there."""
    _stages[stage.name] = stage
    layout.enter(stage.name, stage.folder, stage.module, stage.roles)
    return stage


def stage_named(name: str) -> Stage:
    """The stage of this name."""
    return _stages[name]


def stage_key(stage: str, config: StageConfig, inputs: Mapping[str, str]) -> str:
    """Key of a stage's artifact for this resolved config and these inputs' keys."""
    return artifact_key(stage, _stages[stage].version, config.model_dump(mode="json"), inputs)


def stage_work(store: Store, stage: str, config: StageConfig, inputs: Mapping[str, str]) -> StageWork:
    """Resolve what a stage would make of these inputs' keys."""
    key, settings = stage_key(stage, config, inputs), config.model_dump(mode="json")
    return StageWork(root=store.root, stage=stage, key=key, config=settings, inputs=dict(inputs))


def headline(manifest: Manifest) -> str:
    """What a reader of a list wants to know of an artifact first; nothing of metrics that another version wrote."""
    try:
        return _stages[manifest.stage].metrics.model_validate(manifest.metrics).headline
    except ValidationError:
        return str(manifest.metrics.get("summary", ""))


# The key of raw files follows from their content: see `lm.download.stage.key_of`.
DOWNLOAD = register(Stage("download", "data/raw", 2, DownloadConfig, DownloadMetrics, download_memory.predict))
CLEAN = register(
    Stage(
        "clean",
        "data/clean",
        CLEAN_VERSION,
        CleanConfig,
        CleanMetrics,
        clean_memory.predict,
        make_documents,
        roles=("earlier",),
    )
)
TOKENIZE = register(
    Stage(
        "tokenize",
        "data/tokens",
        1,
        TokenizeConfig,
        TokenizeMetrics,
        tokenize_memory.predict,
        make_tokens,
        roles=("tokenizer",),
    )
)
TRAIN = register(
    Stage(
        "train",
        "artifacts/models",
        6,
        TrainingConfig,
        TrainMetrics,
        train_memory.predict,
        roles=("init", *REPLICAS),
        scratch=SCRATCH,
    )
)
COMPRESSORS = register(
    Stage(
        "compressors",
        "artifacts/compressors",
        1,
        CompressorsConfig,
        CompressorsMetrics,
        compressors_memory.predict,
        make_compressors,
    )
)
EVALUATE = register(
    Stage(
        "evaluate",
        "artifacts/evaluations",
        5,
        EvaluateConfig,
        EvaluateMetrics,
        evaluate_memory.predict,
        make_evaluation,
    )
)
GENERATE = register(
    Stage("generate", "artifacts/samples", 3, GenerateConfig, GenerateMetrics, generate_memory.predict, make_samples)
)
