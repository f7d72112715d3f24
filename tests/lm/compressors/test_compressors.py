"""Compressors are honest opponents: they have read the training text, and what they learn later is told apart."""

import os
import pydoc_data.topics
import random

import pytest

from lm.compressors.libraries import COMPRESSORS, why_no_zpaq
from lm.compressors.stage import measure
from lm.progress import silent

TOPICS = "".join(pydoc_data.topics.topics.values()).encode()


def measured(name: str, training: bytes, heldout: bytes) -> tuple[float, float]:
    """Static and adaptive bits per byte of one compressor."""
    figures = measure(training, heldout, list(dict.fromkeys([name, "PPMd"])), silent)
    return figures["static"][name], figures["adaptive"][name]


@pytest.fixture(params=COMPRESSORS)
def name(request: pytest.FixtureRequest) -> str:
    """Each compressor that runs here."""
    if request.param == "zpaq" and (why := why_no_zpaq()):
        pytest.skip(f"zpaq: {why}")
    return str(request.param)


def test_a_compressor_knows_what_it_has_read(name: str) -> None:
    """Text costs less to one that has read it, noise costs its full size."""
    known = TOPICS[:60_000]
    for bits in measured(name, known, known[-20_000:]):
        assert bits < 1
    for bits in measured(name, known, os.urandom(20_000)):
        assert bits == pytest.approx(8, rel=0.15)


def test_what_is_learned_from_the_heldout_text_counts_in_the_adaptive_figure_alone(name: str) -> None:
    """Words that the training text lacks come again and again: static pays for them in every piece, adaptive once."""
    generator = random.Random(1)
    words = ["".join(generator.choices("qxzjkvw", k=9)) for _ in range(150)]
    new = " ".join(generator.choices(words, k=6000)).encode()
    static, adaptive = measured(name, TOPICS[:60_000], new)
    assert adaptive < 0.7 * static


def test_figures_are_the_same_every_time(name: str) -> None:
    """Two at once or one after the other: the same bytes in, the same figures out."""
    assert measured(name, TOPICS[:40_000], TOPICS[40_000:60_000]) == measured(
        name, TOPICS[:40_000], TOPICS[40_000:60_000]
    )
