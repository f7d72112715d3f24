"""The recipe suits the text, the time and the machine: nobody has to know what a layer is."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.errors import BadInput
from lm.model.config import ModelConfig, with_steps
from lm.planning.choose import MAX_PASSES, MIN_STEPS, SHAPES, choose_recipe, gentler, most_steps, suited
from lm.planning.training_text import TrainingText
from lm.run_config import build_config
from lm.train.config import TrainConfig

BYTES = st.integers(50_000, 2_000_000_000)
SECONDS = st.floats(20, 36_000)
SPEEDS = st.floats(2e10, 1e12)
PASSES = (1, 7, 16, 24, 40, 60)


@given(BYTES, SECONDS, SPEEDS, st.booleans())
def test_every_machine_gets_a_model_it_can_train(train_bytes: int, seconds: float, speed: float, bf16: bool) -> None:
    """From an old laptop to a workstation, from a pamphlet to a library: some hundred steps, no absurd model."""
    vocab_size, recipe = choose_recipe(TrainingText(train_bytes), seconds, speed, bf16=bf16)
    assert recipe.steps >= MIN_STEPS * 4
    assert 512 <= vocab_size <= 8192
    assert vocab_size * recipe.width <= recipe.matrix_parameters() or vocab_size == 512
    assert recipe.parameters(vocab_size) <= max(900_000, 20 * train_bytes)
    assert recipe.precision == ("bf16" if bf16 else "fp32")


@given(BYTES, SPEEDS)
def test_more_time_never_means_a_smaller_model(train_bytes: int, speed: float) -> None:
    """Sizes grow with the budget; steps grow too, unless the text would be repeated: then there are more of them."""
    chosen = [choose_recipe(TrainingText(train_bytes), seconds, speed) for seconds in (20, 60, 180, 600, 3600, 36_000)]
    for (_, shorter), (vocab_size, longer) in pairwise(chosen):
        assert longer.matrix_parameters() >= shorter.matrix_parameters()
        repeated = longer.steps > most_steps(longer, TrainingText(train_bytes), vocab_size) / 4
        assert repeated or longer.tokens_per_step >= shorter.tokens_per_step


@given(BYTES, SECONDS, SPEEDS)
def test_a_small_text_gets_small_steps(train_bytes: int, seconds: float, speed: float) -> None:
    """Where time allows more passes than make sense, it goes into more and smaller steps."""
    vocab_size, recipe = choose_recipe(TrainingText(train_bytes), seconds, speed)
    if recipe.steps > 3 * most_steps(recipe, TrainingText(train_bytes), vocab_size):
        assert recipe.tokens_per_step <= 512


@given(SECONDS, st.sampled_from(list(SHAPES)))
def test_the_rest_of_a_shape_follows_the_width_that_is_asked_for(seconds: float, width: int) -> None:
    """A width by hand brings its own perceptron, heads, vocabulary and batch, not those of another width.

    A width that would have been chosen anyway changes nothing.
    """
    vocab_size, recipe = choose_recipe(TrainingText(1_000_000), seconds, 5e10, asked=TrainConfig(width=width))
    assert (recipe.width, recipe.mlp_width, recipe.heads) == (width, 4 * width, SHAPES[width][1])
    assert vocab_size * width <= recipe.matrix_parameters() or vocab_size == 512
    chosen = choose_recipe(TrainingText(1_000_000), seconds, 5e10)
    assert choose_recipe(TrainingText(1_000_000), seconds, 5e10, asked=TrainConfig(width=chosen[1].width)) == chosen


@given(st.integers(1, 12), st.sampled_from([32, 48, 64]))
def test_heads_that_are_asked_for_have_keys_of_their_own(heads: int, head_width: int) -> None:
    """Keys and values are shared only where that is asked for, and what is asked for is kept to the letter."""
    asked = {"width": heads * head_width, "heads": heads}
    _, recipe = choose_recipe(TrainingText(1_000_000), 60, 5e10, asked=TrainConfig(**asked))
    assert recipe.kv_heads == heads
    asked |= {"layers": 2, "kv_heads": 1, "mlp_width": 96, "context": 64}
    _, recipe = choose_recipe(TrainingText(1_000_000), 60, 5e10, asked=TrainConfig(**asked))
    assert recipe.model_dump(include=set(ModelConfig.model_fields)) == asked


def test_heads_that_do_not_divide_the_width_are_refused_with_the_request() -> None:
    """Before a text is fetched or cleaned for it."""
    with pytest.raises(BadInput, match="width 100 must be 3 heads of an even size"):
        build_config({}, ["train.width=100", "train.heads=3"])


def test_what_is_repeated_is_not_learned_by_heart() -> None:
    """The more passes, the more dropout; none where the text is read a few times; a look at kept text beyond reason.

    What is read again comes in other tokens.
    """
    vocab_size, recipe = choose_recipe(TrainingText(1_000_000), 60, 1e12)
    once = most_steps(recipe, TrainingText(1_000_000), vocab_size) / MAX_PASSES
    chosen = [
        suited(with_steps(recipe, round(passes * once)), TrainingText(1_000_000), vocab_size) for passes in PASSES
    ]
    assert [recipe.dropout for recipe in chosen] == pytest.approx([0, 0, 0.05, 0.1, 0.1, 0.1], abs=0.01)
    assert [recipe.merge_dropout for recipe in chosen] == pytest.approx([0, 0.018] + [0.04] * 4, abs=0.005)
    assert [recipe.average_share > 0 for recipe in chosen] == [False, False, True, True, True, True]
    assert [recipe.calibration_share > 0 for recipe in chosen] == [False, False, True, True, True, True]
    assert [recipe.validation_share > 0 for recipe in chosen] == [False] * 5 + [True]


@given(st.integers(MIN_STEPS, 10**6))
def test_what_a_model_knows_is_not_forgotten_for_a_small_text(steps: int) -> None:
    """Weights that are given move as far in a long training as in a short one: rates fall as steps grow."""
    _, recipe = choose_recipe(TrainingText(100_000), 60, 1e11)
    tuned, once_more = gentler(with_steps(recipe, steps)), gentler(with_steps(recipe, 2 * steps))
    assert tuned.muon_rate < recipe.muon_rate / 2
    assert tuned.adam_rate < recipe.adam_rate
    assert once_more.muon_rate <= tuned.muon_rate
    assert tuned.muon_rate * steps < 31 * recipe.muon_rate


def test_the_steps_can_be_set_once_the_machine_was_measured() -> None:
    """Only the number of steps changes."""
    _, recipe = choose_recipe(TrainingText(1_000_000), 60, 1e12)
    assert with_steps(recipe, 77) == recipe.model_copy(update={"steps": 77})
