"""The baselines are real ones: proper distributions, fitted on the training text only."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lm.evaluate.ngram
from lm.evaluate.ngram import NGram

few_letters = st.lists(st.sampled_from(list(b"abc")), max_size=40).map(bytes)


def naive_witten_bell(texts: list[bytes], text: bytes, order: int) -> list[float]:
    """The formula of the module's first lines, counted with dictionaries."""
    followers: defaultdict[tuple[int | None, ...], Counter[int]] = defaultdict(Counter)
    for known in texts:
        for place in range(len(known)):
            for length in range(order):
                context = tuple([None] * (length - place)) + tuple(known[max(place - length, 0) : place])
                followers[context][known[place]] += 1
    result = []
    for place in range(len(text)):
        probability = 1 / 256
        for length in range(order):
            context = tuple([None] * (length - place)) + tuple(text[max(place - length, 0) : place])
            seen = followers[context]
            if seen:
                different, total = len(seen), sum(seen.values())
                probability = (seen[text[place]] + different * probability) / (total + different)
        result.append(probability)
    return result


@settings(deadline=None)
@given(st.lists(few_letters, max_size=4), few_letters, st.integers(1, 5))
def test_probabilities_are_those_of_the_formula(texts: list[bytes], text: bytes, order: int) -> None:
    """Sorted arrays and dictionaries count alike, at the beginning of a text too."""
    nats = NGram.fit(texts, order).nats(text)
    assert nats.shape == (order, len(text))
    np.testing.assert_allclose(np.exp(-nats[-1]), naive_witten_bell(texts, text, order), rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=3), st.binary(max_size=8), st.integers(1, 7))
def test_the_next_byte_is_certain_to_be_one_of_256(texts: list[bytes], context: bytes, order: int) -> None:
    """After any context the probabilities of the 256 bytes add up to 1, and none of them is 0."""
    model = NGram.fit(texts, order)
    following = np.exp([-model.nats(context + bytes([byte]))[:, -1] for byte in range(256)])
    np.testing.assert_allclose(following.sum(axis=0), 1.0, rtol=1e-5)
    assert (following > 0).all()


def test_working_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by taking the text in blocks; the counts are those of the whole."""
    texts = [b"to be or not to be", b"", b"that is the question", b"or is it"]
    whole = NGram.fit(texts).nats(b"to be is the question")
    monkeypatch.setattr(lm.evaluate.ngram, "BLOCK_BYTES", 20)
    monkeypatch.setattr(lm.evaluate.ngram, "PIECE_BYTES", 3)
    np.testing.assert_array_equal(NGram.fit(texts).nats(b"to be is the question"), whole)
