"""Which model, vocabulary and batch suit a text, a time and a machine."""

import math

from lm.recipe import Recipe

BYTES_PER_TOKEN = {512: 1.9, 1024: 2.4, 2048: 2.9, 4096: 3.3}  # English prose, measured roughly
EFFICIENCY = 0.25  # of the machine's matrix-product peak that training reaches
HEAD_WIDTH = 64


def choose_recipe(
    train_bytes: int, seconds: float, flops_per_second: float, *, bf16: bool = True, seed: int = 1
) -> tuple[int, Recipe]:
    """The vocabulary's size and the recipe for `seconds` of training on `train_bytes` of text.

    `flops_per_second`: what the machine's matrix products reach in the precision asked for. The recipe's `steps` are
    an estimate; `lm.recipe.with_steps` sets them once the time of a step has been measured.
    """
    vocab_size = 1024
    width, layers = 256, 6
    recipe = Recipe(
        layers=layers,
        width=width,
        heads=width // HEAD_WIDTH,
        kv_heads=width // HEAD_WIDTH,
        mlp_width=3 * width,
        context=256,
        batch_sequences=16,
        steps=1,
        precision="bf16" if bf16 else "fp32",
        seed=seed,
    )
    flops_per_step = recipe.flops_per_token(vocab_size) * recipe.tokens_per_step
    steps = math.ceil(seconds * flops_per_second * EFFICIENCY / flops_per_step)
    return vocab_size, recipe.model_copy(update={"steps": max(20, steps)})
