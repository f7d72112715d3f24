"""Fine-tuning: a training that starts from a model that is there already."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd

from tests.conftest import DONE, PROJECT, Workplace, write_corpus


def test_training_goes_on_from_a_model_with_its_tokenizer(workplace_of_done: Workplace, tmp_path: Path) -> None:
    """A run's name or a copied folder of the model: the same start, the same tokenizer, the same bytes at the end."""
    workplace = workplace_of_done
    base = workplace.root / workplace.record(DONE)["stages"]["train"]["path"]
    new_text = ("--corpus", str(write_corpus(tmp_path / "new", seed=2)), "--until", "train", "--without-prefect")
    no_shape = dict.fromkeys(("layers", "width", "heads", "kv_heads", "mlp_width"), "null")

    tuned = workplace.run(*new_text, "--run-id", "tuned", "--init-from", DONE, model=no_shape)
    assert tuned.code == 0, tuned
    model = workplace.root / workplace.record("tuned")["stages"]["train"]["path"]
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["inputs"]["init"] == base.name
    assert (model / "tokenizer.model").read_bytes() == (base / "tokenizer.model").read_bytes()
    assert manifest["config"]["muon_rate"] < json.loads((base / "manifest.json").read_text())["config"]["muon_rate"]

    first, *_ = losses(workplace, "tuned")
    assert first < losses(workplace, DONE)[0] - 1, "what was learnt before helps from the start"

    elsewhere = tmp_path / "a model from elsewhere"
    elsewhere.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.model"):
        shutil.copyfile(base / name, elsewhere / name)
    copied = workplace.run(*new_text, "--run-id", "copied", "--init-from", str(elsewhere), model=no_shape)
    assert copied.code == 0, copied
    weights = [workplace.record(run_id)["stages"]["train"]["weights_sha256"] for run_id in ("tuned", "copied")]
    assert weights[0] == weights[1]

    for start in (DONE, str(elsewhere)):
        corpus = ("--corpus", new_text[1], "--init-from", start, "--json")
        plan = [word.replace("flows.pipeline", "lm") for word in workplace.command(*corpus, model=no_shape)]
        plan.insert(plan.index("lm") + 1, "plan")
        found = json.loads(subprocess.check_output(plan, cwd=PROJECT, env=workplace.environment))
        done = [stage["stage"] for stage in found["stages"] if stage["done"]]
        assert done == ["download", "clean", "plan", "tokenize", "train"], "the forecast knows what was begun from what"

    for wrong, says in ((str(tmp_path / "nowhere"), "no folder"), ("dome", f"did you mean {DONE}")):
        refused = workplace.run(*new_text, "--init-from", wrong)
        assert refused.code == 2, refused
        assert says in refused.last_line
    other_shape = workplace.run(*new_text, "--init-from", DONE, model={"width": 128})
    assert other_shape.code == 2, other_shape
    assert "train.width" in other_shape.last_line


def losses(workplace: Workplace, run_id: str) -> list[float]:
    """The losses of a run as training went on, in nats a token."""
    model = workplace.root / workplace.record(run_id)["stages"]["train"]["path"]
    return pd.read_parquet(model / "metrics.parquet")["loss"].tolist()
