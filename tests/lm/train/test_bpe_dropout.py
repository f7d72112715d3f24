"""A text that is repeated comes in other tokens each time, and stays the same text."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.tokenizer.kinds import Kind
from lm.tokenizer.merge_table import MergeTable, merge_table
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.training import train_tokenizer
from lm.train.bpe_dropout import WHOLE_LR_MULTIPLIER, BpeDropout
from lm.train.optimiser import lr_multiplier
from lm.train.trainer import Trainer
from tests.lm.conftest import toy_documents
from tests.lm.train.test_trainer import VOCAB_SIZE, toy_recipe, toy_spellings, toy_tokens

TEXT = "\n\n".join(document.text for document in toy_documents())
KINDS: tuple[Kind, ...] = ("bpe", "unigram")
TOKENIZERS: dict[str, Tokenizer] = {kind: Tokenizer.from_bytes(train_tokenizer([TEXT], kind, 600)) for kind in KINDS}
SPELLINGS: dict[str, Any] = {kind: merge_table(tokenizer) for kind, tokenizer in TOKENIZERS.items()}
SAMPLES, LENGTH = 4, 65


def batch_of(tokenizer: Tokenizer) -> np.ndarray:
    """Windows of the text: (SAMPLES, LENGTH), a document's boundary in the first."""
    ids = np.insert(tokenizer.encode(TEXT).astype(np.int64), 20, BOUNDARY_ID)
    return ids[: SAMPLES * LENGTH].reshape(SAMPLES, LENGTH)


def spelled(tokenizer: Tokenizer, ids: np.ndarray) -> str:
    return tokenizer.decode_escaped(ids.astype(np.int32))


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.floats(0.01, 0.89), st.integers(0, 2**31), st.integers(0, 10**6))
def test_other_tokens_spell_the_same_text(kind: Kind, share: float, seed: int, step: int) -> None:
    """As many tokens as before, that spell the beginning of the same text; the same for the same step and sample."""
    tokenizer = TOKENIZERS[kind]
    batch, bpe_dropout = batch_of(tokenizer), BpeDropout(SPELLINGS[kind], share, seed)
    respelled = bpe_dropout.of(batch, step)
    assert respelled.shape == batch.shape
    for before, after in zip(batch, respelled, strict=True):
        assert spelled(tokenizer, before).startswith(spelled(tokenizer, after))
    again: Any = merge_table(tokenizer)
    assert (BpeDropout(again, share, seed).of(batch, step) == respelled).all()
    assert (bpe_dropout.of(batch[:2], step) == respelled[:2]).all()


@pytest.mark.parametrize(("kind", "least_share"), [("bpe", 1.0), ("unigram", 0.3)])
def test_pieces_are_made_of_pieces(kind: str, least_share: float) -> None:
    """Every BPE piece has a spelling for each of the merges that make it, as have many of a unigram model's."""
    longer = [token for token, text, _ in TOKENIZERS[kind].pieces() if len(text) > 1]
    found = SPELLINGS[kind]
    made = [token for token in longer if any(len(other) > 1 for other in found.of(token))]
    assert all(len(found.of(token)) == found.merges[token] for token in made)
    assert len(made) >= least_share * len(longer)
    assert found.merges[BOUNDARY_ID] == 0


def spellings_of(*pieces: str) -> MergeTable:
    """Of pieces that are merged in this order."""
    return MergeTable(((token, text, -token) for token, text in enumerate(pieces)), len(pieces))


def test_a_merge_that_is_left_out_leaves_the_others() -> None:
    """Without one of its merges a piece is what the others come to: itself, where another leads to it too."""
    assert [ids.tolist() for ids in spellings_of("a", "b", "c", "ab", "abc").of(4)] == [[0, 1, 2], [3, 2]]
    assert [ids.tolist() for ids in spellings_of("a", "b", "c", "ab", "bc", "abc").of(5)] == [[5], [3, 2]]


def test_so_many_are_left_out_as_were_asked_for() -> None:
    """A tenth of all merges, on average: of a piece made by two, both are kept in 81 of 100 samples."""
    bpe_dropout = BpeDropout(spellings_of("a", "b", "c", "ab", "abc"), 0.1, 1)
    respelled = bpe_dropout.of(np.full((10_000, 5), 4), 5)
    assert (respelled == 4).all(axis=1).mean() == pytest.approx(0.81, abs=0.015)


def test_a_sample_is_spelled_in_one_way() -> None:
    """What is said again in a sample is spelled as before, so that it can be looked up; in other samples it is not."""
    bpe_dropout = BpeDropout(spellings_of("a", "b", "c", "ab", "abc"), 0.5, 1)
    respelled = bpe_dropout.of(np.full((50, 6), 4), 7).tolist()
    assert {tuple(ids) for ids in respelled} == {(4,) * 6, (3, 2) * 3, (0, 1, 2) * 2}


@pytest.mark.parametrize("kind", ["byte", "char", "word"])
def test_pieces_that_are_no_sum_of_others_stay_whole(kind: Kind) -> None:
    """Bytes, characters and words have no other spelling."""
    assert merge_table(Tokenizer.from_bytes(train_tokenizer([TEXT], kind, 400, shrink=True))) is None


def test_the_last_steps_see_whole_pieces() -> None:
    """While the rates are high, batches come in other tokens; where they have nearly fallen to zero, as they are."""
    recipe = toy_recipe(steps=40, merge_dropout=0.5)
    varied = Trainer(recipe, VOCAB_SIZE, toy_tokens(), micro_batch=4, merge_table=toy_spellings())
    plain = Trainer(recipe, VOCAB_SIZE, toy_tokens(), micro_batch=4)
    same = []
    for _ in range(recipe.steps):
        same.append(bool((varied._batch() == plain._batch()).all()))
        varied.step(), plain.step()
    assert same == [lr_multiplier(step, recipe) <= WHOLE_LR_MULTIPLIER for step in range(recipe.steps)]
    assert 6 <= sum(same) <= 9
