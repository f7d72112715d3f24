"""Plans fit the text at hand: what its tokens come to is measured, and English stays as it was."""

import random
from pathlib import Path

import pytest

from lm.planning.choose import choose_recipe, most_steps
from lm.planning.training_text import ENGLISH, TrainingText, bytes_per_token
from lm.tokenizer.bytes_per_token import SIZES, measure_bytes_per_token

PROJECT = Path(__file__).parents[3]
DNA = "".join(random.Random(1).choices("ACGT", k=500_000))


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[int, float]]:
    """What small tokenizers find in English prose, and in DNA."""
    english = [path.read_text(encoding="utf-8") for path in sorted((PROJECT / "docs" / "archive").rglob("*.md"))]
    return {"english": measure_bytes_per_token(english), "dna": measure_bytes_per_token([DNA])}


def test_english_keeps_the_table_that_was_made_from_it(measured: dict[str, dict[int, float]]) -> None:
    """So the same request means the same work as before."""
    assert bytes_per_token(measured["english"]) == {}
    for size in (100_000, 199_999, 200_000, 700_000, 9_999_999, 10_000_000):
        assert choose_recipe(TrainingText(size), 120, 5e10) == choose_recipe(TrainingText(size, ENGLISH), 120, 5e10)


def test_a_text_unlike_english_is_counted_by_its_own_tokens(measured: dict[str, dict[int, float]]) -> None:
    """DNA has four letters: a token of the smallest vocabulary holds more of them than one of English."""
    table = bytes_per_token(measured["dna"])
    assert set(table) == set(ENGLISH)
    assert 1.5 * ENGLISH[512] < table[512] <= table[1024] <= table[8192]
    text = TrainingText(1_000_000, table)
    vocab_size, recipe = choose_recipe(text, 120, 5e10)
    assert vocab_size < choose_recipe(TrainingText(1_000_000), 120, 5e10)[0]
    assert most_steps(recipe, text, 512) < most_steps(recipe, TrainingText(1_000_000), 512)


def test_the_measure_is_the_same_every_time_and_refuses_to_guess(measured: dict[str, dict[int, float]]) -> None:
    """Of a few lines nothing is said: then English is taken for granted."""
    assert measure_bytes_per_token([DNA]) == measured["dna"]
    assert set(measured["dna"]) == set(SIZES)
    assert measure_bytes_per_token(["a word or two "]) == {} == bytes_per_token({})
