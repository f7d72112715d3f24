"""Text without spaces is known as such, and what its tokenizer will take is predicted with it."""

import random

from lm.text.unspaced import unspaced_share
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.memory import MIB, predict_tokenizing


def test_runs_without_spaces_are_counted_by_characters() -> None:
    """DNA is one run, Chinese too, prose has none; of a mixture the part that is one counts."""
    dna = "".join(random.Random(1).choices("ACGT", k=5000))
    assert unspaced_share([dna]) == 1.0
    assert unspaced_share(["\u8bed\u8a00" * 3000]) == 0.333
    assert unspaced_share(["a word or two, and no more\n" * 300]) == 0.0
    assert 0.4 < unspaced_share([dna, "a word or two " * 357]) < 0.6
    assert unspaced_share([]) == 0.0


def test_what_was_measured_is_predicted() -> None:
    """Six megabytes in one line: 290 and 350 MiB of DNA, 285 of Chinese, 422 of base64 (docs/experiments/memory.md)."""
    sizes = 5_400_000, 5_400_000
    of_vocabulary = {size: TokenizeConfig(default_vocab_size=size) for size in (1024, 4096)}
    for share, vocab_size, measured in ((1.0, 1024, 290), (1.0, 4096, 350), (1 / 3, 4096, 285), (1.0, 4096, 422)):
        assert predict_tokenizing(of_vocabulary[vocab_size], *sizes, share) >= measured * MIB
    assert predict_tokenizing(of_vocabulary[4096], *sizes) == predict_tokenizing(of_vocabulary[1024], *sizes)
