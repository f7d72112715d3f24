"""A tokenizer taken from an earlier run: found by every name it has, and refused in one line where it cannot be had."""

import pytest

from lm.errors import BadInput
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.run_config import build_config
from lm.stages import stage_key
from lm.store.artifacts import Store

TOKENS, MODEL = "2" * 16, "3" * 16  # of the toy store


@pytest.fixture
def store(toy_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The toy store, with the numbers of its tokenizer."""
    opened = toy_store.open(toy_store.path("tokenize", TOKENS))
    opened.manifest.metrics.update(kind="bpe", vocab_size=512)
    monkeypatch.setattr(Store, "find", lambda self, stage, key: opened if key == TOKENS else None)
    return toy_store


@pytest.mark.parametrize("name", [TOKENS, MODEL])
def test_a_tokenizer_has_one_key_whatever_it_is_called(store: Store, name: str) -> None:
    """By its own key or by that of a model: the same config, and so the same key of the tokens made with it."""
    config, artifact = reused_tokenizer(store, build_config({}, [f"tokenize.from_run={name}"]))
    assert artifact.key == TOKENS
    assert config.tokenize.model_dump(exclude={"sample_bytes", "default_vocab_size"}) == {
        "from_run": TOKENS, "kind": "bpe", "vocab_size": 512}  # fmt: skip
    keys = {stage_key("tokenize", config.tokenize, {"clean": "x", "tokenizer": key}) for key in (TOKENS, "other")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["tokenize.from_run=nobody"], "nothing called nobody|no run or artifact called nobody"),
        ([f"tokenize.from_run={'1' * 16}"], "has no tokenizer"),
        ([f"tokenize.from_run={TOKENS}", "tokenize.kind=char"], "got char, but"),
        ([f"tokenize.from_run={TOKENS}", "tokenize.vocab_size=600"], "got 600, but"),
        ([f"tokenize.from_run={TOKENS}", "init_from=some"], "leave one of them out"),
    ],
)
def test_what_cannot_be_reused_is_one_line(store: Store, settings: list[str], words: str) -> None:
    """A name of nothing, an artifact without a tokenizer, and settings that contradict it."""
    with pytest.raises(BadInput, match=words) as refused:
        reused_tokenizer(store, build_config({}, settings))
    assert "\n" not in str(refused.value)


def test_tokens_that_were_pruned_are_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model remembers its tokens, but they are gone."""
    monkeypatch.setattr(Store, "find", lambda self, stage, key: None)
    with pytest.raises(BadInput, match="not here any more"):
        reused_tokenizer(store, build_config({}, [f"tokenize.from_run={MODEL}"]))
