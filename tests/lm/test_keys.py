"""Keys decide what is made again: unchanged work keeps its key from one version of the code to the next."""

from pathlib import Path

from lm.clean.config import CleanConfig
from lm.compressors.config import CompressorsConfig
from lm.evaluate.config import EvaluateConfig
from lm.generate.config import GenerateConfig
from lm.model.config import TrainingConfig
from lm.planning.plan import plan_path
from lm.run_config import RunConfig
from lm.stages import stage_key
from lm.store.artifacts import Store
from lm.tokenize.config import TokenizeConfig

RAW, CLEAN, TOKENS, MODEL, COMPRESSORS = (digit * 16 for digit in "01234")
RECIPE = TrainingConfig(
    layers=2, width=64, heads=2, kv_heads=1, mlp_width=128, context=48, batch_sequences=16,
    steps=60, precision="fp32", seed=1,
)  # fmt: skip
INPUTS = {
    "clean": (CleanConfig(), {"download": RAW}),
    "tokenize": (TokenizeConfig(), {"clean": CLEAN}),
    "train": (RECIPE, {"tokenize": TOKENS}),
    "compressors": (CompressorsConfig(), {"clean": CLEAN}),
    "evaluate": (
        EvaluateConfig(),
        {"train": MODEL, "tokenize": TOKENS, "clean": CLEAN, "compressors": COMPRESSORS},
    ),
    "generate": (GenerateConfig(), {"train": MODEL, "clean": CLEAN}),
}
KEYS = {  # of version 7 of clean, 1 of tokenize, 6 of train, 5 of evaluate, 1 of compressors, 3 of generate
    "clean": "ff5a3b28da6c5100",
    "tokenize": "9c0f29c72a02ded9",
    "train": "e55a6735fcb7ae95",
    "compressors": "f382f23b3586bb90",
    "evaluate": "6a1c81e91f5c21b7",
    "generate": "69f17d97d595c15f",
}


def test_unchanged_work_keeps_its_key() -> None:
    """What was made before is reused: a stage whose version did not rise gives the key that it gave before."""
    assert {stage: stage_key(stage, config, inputs) for stage, (config, inputs) in INPUTS.items()} == KEYS


def test_the_same_request_finds_its_plan() -> None:
    """A plan that was kept is found again by the same request."""
    assert plan_path(Store(Path("/x")), RunConfig(), CLEAN).name == "5043a4c406ea8e6d.json"
