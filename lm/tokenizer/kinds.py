"""The kinds of tokenizers there are. Light: what makes them is `tokenizer_training.py`."""

from typing import Literal, get_args

Kind = Literal["bpe", "unigram", "word", "char", "byte"]
KINDS: tuple[Kind, ...] = get_args(Kind)
