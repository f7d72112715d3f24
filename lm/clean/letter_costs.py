"""What each letter of a language costs after another, in bits: `letter_pairs.txt`, and the order of CJK characters.

`benchmarks/derive_letter_pairs.py` writes the file from texts. A block of it is one language: a line with its code and
its letters, then a line for each symbol (first the classes of `letter_symbols.py`, then the letters) with the costs of
all symbols after it, each a digit in base 36 of half bits. A language of CJK is one line: its characters, the most
frequent first.
"""

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.clean.letter_symbols import ASCII_LETTER, CLASS_BITS, CLASSES, FOREIGN, OTHER_SCRIPT, script, symbol_class

TABLES = Path(__file__).with_name("letter_pairs.txt")
HALF_BITS = 2
MAX_COST = 35  # half bits: one digit in base 36
ASCII_BITS = 4.5  # of an ASCII character after another: the same in all encodings
LOWER_TO_UPPER_BITS, TO_UPPER_BITS = 6.0, 2.0
RARE_CHARACTER_BITS = 19.0  # of a CJK character that is not listed
LISTED_SHARE = 0.97  # of a text: the characters that are listed
CJK_LANGUAGES = ("zh_CN", "zh_TW", "ja", "ko")


class Language(NamedTuple):
    """A language's letters and the cost of each pair: (symbols, symbols), in bits."""

    code: str
    letters: str
    scripts: frozenset[str]
    costs: npt.NDArray[np.float32]

    def symbol(self, character: str) -> int:
        """Number of the symbol of a character."""
        found = self.letters.find(lower_letter(character))
        if found >= 0:
            return CLASSES + found
        kind = symbol_class(character)
        if kind in (OTHER_SCRIPT, ASCII_LETTER) and script(character) in self.scripts:
            return FOREIGN
        return kind


def lower_letter(character: str) -> str:
    """The small letter of a capital, where that is one character: `İ` has none."""
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


@cache
def languages() -> dict[str, Language]:
    """Languages with an alphabet, by their codes."""
    found = dict[str, Language]()
    lines = iter(TABLES.read_text(encoding="utf-8").splitlines())
    for line in lines:
        code, _, letters = line.partition(" ")
        if code in CJK_LANGUAGES:
            continue
        size = CLASSES + len(letters)
        digits = np.frombuffer("".join(next(lines) for _ in range(size)).encode(), np.uint8).reshape(size, size)
        half_bits = np.where(digits > ord("9"), digits - (ord("a") - 10), digits - ord("0"))
        costs = half_bits.astype(np.float32) / np.float32(HALF_BITS)
        costs[:, :CLASSES] += np.array(CLASS_BITS, np.float32)
        found[code] = Language(code, letters, frozenset(map(script, letters)), costs)
    return found


@cache
def frequent_characters() -> dict[str, dict[str, float]]:
    """Cost in bits of each frequent character of a CJK language, by the language's code."""
    found = dict[str, dict[str, float]]()
    for line in TABLES.read_text(encoding="utf-8").splitlines():
        code, _, characters = line.partition(" ")
        if code in CJK_LANGUAGES:
            weights = [1 / (rank + 10) for rank in range(len(characters))]
            total = sum(weights) / LISTED_SHARE
            found[code] = {c: -math.log2(w / total) for c, w in zip(characters, weights, strict=True)}
    return found
