"""Which model, vocabulary and batch suit a text, a time and a machine."""

import math

from lm.recipe import Recipe

EFFICIENCY = 0.2  # of the machine's matrix-product peak that training reaches
HEAD_WIDTH = 64


def choose_recipe(
    train_bytes: int, seconds: float, flops_per_second: float, *, bf16: bool = True, seed: int = 1
) -> tuple[int, Recipe]:
    """The vocabulary's size and the recipe for `seconds` of training on `train_bytes` of text.

    `flops_per_second`: what the machine's matrix products reach in the precision asked for. The recipe's `steps` are
    an estimate; `lm.recipe.with_steps` sets them once the time of a step has been measured.
    """
    vocab_size, width = 1024, 192
    recipe = Recipe(
        layers=4,
        width=width,
        heads=width // HEAD_WIDTH,
        kv_heads=width // HEAD_WIDTH,
        mlp_width=4 * width,
        context=128,
        batch_sequences=16,
        steps=1,
        precision="bf16" if bf16 else "fp32",
        seed=seed,
    )
    flops_per_step = recipe.flops_per_token(vocab_size) * recipe.tokens_per_step
    steps = math.ceil(seconds * flops_per_second * EFFICIENCY / flops_per_step)
    return vocab_size, recipe.model_copy(update={"steps": max(20, steps)})
