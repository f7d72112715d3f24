"""A difference between two models is stated with a paired test, or called unproven."""

import json
import os
import subprocess
import sys

import pytest

from lm.champions.compare import compare
from lm.config import JsonObject
from lm.errors import BadInput
from lm.model.decoder import load_model, save_model
from lm.store.artifacts import Artifact, Store


@pytest.fixture(scope="module")
def two_models(toy_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The toy, a copy with a setting changed, and one whose weights were shrunk: it predicts worse."""
    store = Store(tmp_path_factory.mktemp("two"))
    for name in ("data", "artifacts"):
        (store.root / name).mkdir()
        for folder in (toy_store.root / name).iterdir():
            if folder.name != "models":
                (store.root / name / folder.name).symlink_to(folder)
    toy = toy_store.list("train")[0]
    for key, scale in (("3" * 16, 1.0), ("a" * 16, 1.0), ("b" * 16, 0.8)):
        with store.writing("train", key) as out:
            for file in toy.manifest.outputs:
                (out / file).write_bytes((toy.path / file).read_bytes())
            model = load_model(toy.path)
            weights = {name: weight * scale for name, weight in model.named_parameters()}
            save_model(out, model.shape, model.vocab_size, weights)
            store.commit("train", key, config=toy.manifest.config | {"seed": len(store.list("train"))},
                         inputs=toy.manifest.inputs, metrics=toy.manifest.metrics, seconds=60.0,
                         peak_memory_bytes=None, versions={})  # fmt: skip
    return store


def model_of(store: Store, letter: str) -> Artifact:
    found = store.find("train", letter * 16)
    assert found
    return found


def test_a_worse_model_is_called_worse_with_an_interval(two_models: Store) -> None:
    """The difference, its interval and the number of pairs; the settings that differ."""
    first, second = (model_of(two_models, letter) for letter in "3b")
    comparison = compare(two_models, first, second)
    assert comparison.contest.ci95
    assert comparison.contest.difference
    low, high = comparison.contest.ci95
    assert 0 < low < comparison.contest.difference < high
    assert comparison.verdict.startswith("The first is better by")
    assert "paired over 24 documents" in comparison.verdict
    assert comparison.differences == {"train.seed": (0, 2)}
    other_way = compare(two_models, second, first)
    assert other_way.contest.difference == pytest.approx(-comparison.contest.difference)
    assert other_way.verdict.startswith("The second is better by")


def test_equal_models_show_no_difference(two_models: Store) -> None:
    """A copy is not better and not worse, and the same model twice is refused."""
    first, copy = (model_of(two_models, letter) for letter in "3a")
    assert compare(two_models, first, copy).verdict.startswith("No difference shown")
    with pytest.raises(BadInput, match="both are the model"):
        compare(two_models, first, first)


def test_a_model_of_another_text_is_named(two_models: Store) -> None:
    """Both read the second's text, which is named; that the first never trained on it is said, and on what it did."""
    first, second = model_of(two_models, "3"), model_of(two_models, "b")
    same = compare(two_models, first, second)
    assert "the held-out text of " in same.text
    assert not same.warnings
    clean, tokens = two_models.list("clean")[0], two_models.list("tokenize")[0]
    named: JsonObject = {"sources": {"tales": {"documents": 1, "bytes": 9, "characters": 9}}}
    copy_made(two_models, clean, "c" * 16, named, {})
    copy_made(two_models, tokens, "d" * 16, {}, {"clean": "c" * 16})
    copy_made(two_models, first, "e" * 16, {}, {"tokenize": "d" * 16})
    other = compare(two_models, first, model_of(two_models, "e"))
    (warning,) = other.warnings
    assert warning.startswith("The first never trained on any of this text")
    assert "the held-out text of tales" in other.text


def copy_made(store: Store, made: Artifact, key: str, metrics: JsonObject, inputs: dict[str, str]) -> None:
    """The same artifact under another key, said to be of other inputs."""
    manifest = made.manifest
    with store.writing(manifest.stage, key) as out:
        for file in manifest.outputs:
            (out / file).write_bytes((made.path / file).read_bytes())
        store.commit(manifest.stage, key, config=manifest.config, inputs=manifest.inputs | inputs,
                     metrics=manifest.metrics | metrics, seconds=1.0, peak_memory_bytes=None, versions={})  # fmt: skip


def test_the_command_line_compares(two_models: Store) -> None:
    """`slowburn compare A B` prints the verdict and JSON; an unknown name is one line."""
    environment = os.environ | {"SLOWBURN_ROOT": str(two_models.root)}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lm", "compare", *words], env=environment, capture_output=True, text=True
        )

    done = command("3333", "bbbb", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["contest"]["difference"] > 0
    unknown = command("3333", "nothing-like-it")
    assert unknown.returncode == 2
    assert unknown.stderr.count("\n") == 1
