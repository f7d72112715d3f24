"""The contest: two models on the same bytes, whatever their tokenizers, and only on text that neither has seen."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lm.champions.champion import load_champion, promote
from lm.champions.compare_models import compare_models, heldout_text, unit_nats
from lm.champions.retraining import RetrainPolicy, lost_before, settle
from lm.evaluate.evaluation import training_precision
from lm.model.config import TrainingConfig
from lm.model.decoder import load_model
from lm.model.scoring import token_nats
from lm.progress import silent
from lm.store.artifacts import Artifact, Store
from lm.text.documents import Document, read_documents
from lm.text.heldout import extent
from lm.text.overlap import seen_shares
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.stage import tokenize
from lm.tokenizer.tokens import documents as token_documents
from lm.train.training import Training
from tests.lm.conftest import Toy
from tests.lm.documents import write_documents


def put(store: Store, stage: str, key: str, folder: Path, **inputs: str) -> Artifact:
    """A folder as an artifact of the store."""
    with store.writing(stage, key) as out:
        shutil.copytree(folder, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoints", "*.tokens"))
        return store.commit(
            stage,
            key,
            config={"precision": "fp32"},
            inputs=inputs,
            metrics={},
            seconds=1.0,
            peak_memory_bytes=None,
            versions={},
        )


def train(clean: Path, folder: Path, *, steps: int, vocab_size: int) -> tuple[Path, Path]:
    tokens, model = folder / "tokens", folder / "model"
    tokens.mkdir(parents=True)
    model.mkdir()
    tokenize(clean, TokenizeConfig(vocab_size=vocab_size), tokens, silent)
    recipe = TrainingConfig(
        layers=1, width=64, heads=1, kv_heads=1, mlp_width=128, context=48, batch_sequences=8,
        steps=steps, precision="fp32", seed=2,
    )  # fmt: skip
    training = Training(recipe, tokens, model, micro_batch=8, device="cpu", checkpoint_seconds=60)
    training.run_until(steps, lambda: None, silent)
    training.finish()
    return tokens, model


@pytest.fixture(scope="module")
def store(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with the toy's model, and one of another tokenizer that has hardly been trained."""
    folder = tmp_path_factory.mktemp("contest")
    store = Store(folder / "root")
    tokens, model = train(toy.clean, folder, steps=4, vocab_size=400)
    put(store, "clean", "text", toy.clean)
    put(store, "tokenize", "pieces", toy.tokens, clean="text")
    put(store, "train", "trained", toy.model, tokenize="pieces")
    put(store, "tokenize", "others", tokens, clean="text")
    put(store, "train", "hardly", model, tokenize="others")
    return store


def test_a_better_model_wins_over_a_worse_one_whatever_their_tokenizers(store: Store) -> None:
    """The trained model beats the hardly trained one and not the other way round; nobody beats himself."""
    clean = store.open(store.path("clean", "text"))
    won = compare_models(store, clean, "trained", "hardly", [], silent)
    assert won.is_won(0.0)
    assert not won.is_won(10.0)
    assert "better" in won.sentence(0.0)
    lost = compare_models(store, clean, "hardly", "trained", ["hardly"], silent)
    assert not lost.is_won(0.0)
    assert won.difference
    assert lost.difference == pytest.approx(-won.difference)
    assert "the champion is better" in lost.sentence(0.0)
    assert lost.elders[0].bits_per_byte == lost.challenger.bits_per_byte
    alone = compare_models(store, clean, "trained", "trained", [], silent)
    assert (alone.difference, alone.is_won(0.0)) == (0.0, False)


def test_the_bits_are_those_of_the_evaluation(store: Store, toy: Toy) -> None:
    """Cutting by bytes moves no bit: the units of a document add up to the nats of its tokens."""
    text = heldout_text(toy.clean)
    nats = unit_nats(toy.model, text)
    assert training_precision(toy.model) == "fp32"
    each = [part.sum() for part in token_nats(load_model(toy.model), token_documents(toy.tokens, "heldout"))]
    assert text.unit == "document"
    np.testing.assert_allclose(nats, each, rtol=1e-5)
    assert sum(map(len, text.stretches)) == extent(toy.clean, "heldout").bytes


def test_blocks_of_one_document_lose_nothing(toy: Toy, tmp_path: Path) -> None:
    """A single long document is cut into blocks: together they are its bytes and its nats, odd characters included."""
    joined = "\n".join(d.text for d in read_documents(toy.clean, "heldout"))[:6000] + "→ \x10 ▁ e\u0301 \U0001f600 end"
    write_documents([Document("a", "s", "Word " * 500, "train"), Document("a", "s", joined, "heldout")], tmp_path)
    text = heldout_text(tmp_path)
    assert text.unit == "block"
    assert b"".join(text.stretches) == joined.encode()
    from lm.tokenizer.tokenizer import Tokenizer

    tokens = Tokenizer(toy.model / "tokenizer.model").encode(joined)
    (whole,) = token_nats(load_model(toy.model), [tokens])
    assert unit_nats(toy.model, text).sum() == pytest.approx(float(whole.sum()), rel=1e-5)


def test_text_that_a_model_was_trained_on_does_not_count(store: Store, toy: Toy, tmp_path: Path) -> None:
    """After another split, what the champion has learned is left out, near copies too, and it says how much."""
    documents = list(read_documents(toy.clean))
    learned = {d.document_id for d in documents if d.split == "train"}
    swapped = [
        Document(d.document_id, d.source, d.text, "heldout" if index % 2 else "train", d.title)
        for index, d in enumerate(documents)
    ]
    write_documents(swapped, tmp_path)
    clean = put(store, "clean", "swapped", tmp_path)
    contest = compare_models(store, clean, "hardly", "trained", [], silent)
    heldout = [d for d in swapped if d.split == "heldout"]
    assert sum(d.document_id in learned for d in heldout) <= contest.seen_units < len(heldout)
    assert contest.units + contest.seen_units == len(heldout)


def test_seen_text_is_found_wherever_it_lies() -> None:
    """Verbatim text is found whole, in part by its share, and other text not at all."""
    generator = np.random.default_rng(1)
    training = bytes(generator.integers(97, 123, 3_000_000, np.uint8))
    strange = bytes(generator.integers(97, 123, 2000, np.uint8))
    stretches = [training[2_000_000:2_002_000], strange, training[-1000:] + strange[:1000], b"short"]
    shares = seen_shares(stretches, [Document("a", "s", training.decode(), "train")])
    assert shares[0] == 1.0
    assert shares[1] == shares[3] == 0.0
    assert 0.3 < shares[2] < 0.7


def test_a_challenger_that_is_not_better_leaves_the_champion_where_it_is(store: Store) -> None:
    """A lost contest keeps the champion and records the numbers; the same challenger need not lose twice."""
    clean = store.open(store.path("clean", "text"))
    promote(store, "trained", "the first")
    contest = compare_models(store, clean, "hardly", "trained", [], silent)
    decision = settle(store, contest, "hardly", RetrainPolicy(), "a-run")
    assert (decision.action, decision.champion, decision.challenger) == ("kept", "trained", "hardly")
    assert load_champion(store).decisions[-1].contest == contest
    assert lost_before(load_champion(store), "hardly", "text") == decision
    assert lost_before(load_champion(store), "hardly", "other text") is None
