"""A text that is repeated comes in other tokens each time, and stays the same text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.tokenizing.piece_halves import piece_halves
from lm.tokenizing.tokenizer import Tokenizer
from lm.tokenizing.tokenizer_training import train_tokenizer
from lm.training.halving import WHOLE_RATE_SHARE, Halving
from lm.training.optimiser import rate_share
from lm.training.recipe import BOUNDARY_ID
from lm.training.trainer import Trainer
from tests.lm.conftest import toy_documents
from tests.lm.test_trainer import VOCAB_SIZE, toy_recipe, toy_tokens

TEXT = "\n\n".join(document.text for document in toy_documents())
KINDS = ("bpe", "unigram")
TOKENIZERS = {kind: Tokenizer.from_bytes(train_tokenizer([TEXT], kind, 600)) for kind in KINDS}
SAMPLES, LENGTH = 4, 65


def batch_of(tokenizer: Tokenizer) -> np.ndarray:
    """Windows of the text: (SAMPLES, LENGTH), a document's boundary in the first."""
    ids = np.insert(tokenizer.encode(TEXT).astype(np.int64), 20, BOUNDARY_ID)
    return ids[: SAMPLES * LENGTH].reshape(SAMPLES, LENGTH)


def spelled(tokenizer: Tokenizer, ids: np.ndarray) -> str:
    return tokenizer.decode_escaped(ids.astype(np.int32))


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.floats(0.01, 0.89), st.integers(0, 2**31), st.integers(0, 10**6))
def test_other_tokens_spell_the_same_text(kind, share, seed, step):
    """As many tokens as before, that spell the beginning of the same text; the same for the same step and sample."""
    tokenizer = TOKENIZERS[kind]
    batch, halving = batch_of(tokenizer), Halving(piece_halves(tokenizer), share, seed)
    halved = halving.of(batch, step)
    assert halved.shape == batch.shape
    for before, after in zip(batch, halved, strict=True):
        assert spelled(tokenizer, before).startswith(spelled(tokenizer, after))
    assert (halving.of(batch, step) == halved).all()
    assert (halving.of(batch[:2], step) == halved[:2]).all()


@pytest.mark.parametrize(("kind", "least_share"), [("bpe", 1.0), ("unigram", 0.4)])
def test_pieces_are_made_of_pieces(kind, least_share):
    """Every BPE piece of several characters has halves, and many of a unigram model's; the boundary never has."""
    halves = piece_halves(TOKENIZERS[kind])
    longer = [token for token, text, _ in TOKENIZERS[kind].pieces() if len(text) > 1]
    assert np.mean(halves[longer, 0] >= 0) >= least_share
    assert halves[BOUNDARY_ID].tolist() == [-1, -1]


def test_so_many_are_halved_as_were_asked_for():
    """A tenth of all pieces, on average."""
    halves = np.array([[1, 1], [-1, -1]])
    halved = Halving(halves, 0.1, 1).of(np.zeros((200, 50), dtype=np.int64), 5)
    pieces_read = np.count_nonzero(halved == 0) + np.count_nonzero(halved == 1) / 2
    assert np.count_nonzero(halved == 1) / 2 / pieces_read == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize("kind", ["byte", "char", "word"])
def test_pieces_that_are_no_sum_of_others_stay_whole(kind):
    """Bytes, characters and words have no halves."""
    tokenizer = Tokenizer.from_bytes(train_tokenizer([TEXT], kind, 400, shrink=True))
    assert piece_halves(tokenizer) is None


def test_the_last_steps_see_whole_pieces():
    """While the rates are high, batches come in other tokens; where they have nearly fallen to zero, as they are."""
    halves = np.full((VOCAB_SIZE, 2), 0)
    recipe = toy_recipe(steps=40, halved_share=0.5)
    halving = Trainer(recipe, VOCAB_SIZE, toy_tokens(), micro_batch=4, halves=halves)
    plain = Trainer(recipe, VOCAB_SIZE, toy_tokens(), micro_batch=4)
    same = []
    for _ in range(recipe.steps):
        same.append(bool((halving._batch() == plain._batch()).all()))
        halving.step(), plain.step()
    assert same == [rate_share(step, recipe) <= WHOLE_RATE_SHARE for step in range(recipe.steps)]
    assert 5 <= sum(same) <= 10
