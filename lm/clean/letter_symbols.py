"""The symbols that a text is scored by: letters of a language, and classes of all other characters."""

import unicodedata
from functools import cache
from typing import Final

# The classes, in the order of their numbers; the letters of a language have the numbers that follow.
GAP, MARK, DIGIT, OPENING, CLOSING, DASH, SIGN, FOREIGN, ASCII_LETTER, OTHER_SCRIPT, JUNK, NO_TEXT = range(12)
CLASSES: Final = 12
# Bits that a character costs beyond its class: how many others the class has, or how odd it is in a text.
CLASS_BITS: Final = (0.3, 3.0, 2.5, 2.0, 2.0, 1.0, 5.0, 5.0, 4.0, 14.0, 14.0, 24.0)
_OPENING, _CLOSING, _DASHES = "“„«‘‚‹¿¡「『《（【", "”’»›…」』》）】。、，", "–—―-"  # noqa: RUF001
_SIGNS = "¨´\u00a0\u200c\u200d\u200e\u200f§©®°·№€£™×•º²³½¼±µªؤ،؛؟ـ־׳״₪₫†‰\u00ad"  # noqa: RUF001


@cache
def symbol_class(character: str) -> int:
    """Number of the class of a character that is no letter of the language."""
    if character in " \n\t\r\f\v":
        return GAP
    if character in _OPENING:
        return OPENING
    if character in _CLOSING:
        return CLOSING
    if character in _DASHES:
        return DASH
    if character in _SIGNS:
        return SIGN
    category = unicodedata.category(character)
    if character.isascii():
        return (
            NO_TEXT if category == "Cc" else DIGIT if category == "Nd" else MARK if category[0] != "L" else ASCII_LETTER
        )
    if category in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return NO_TEXT
    return OTHER_SCRIPT if category[0] in "LM" else JUNK


@cache
def script(character: str) -> str:
    """First word of a letter's name: its script."""
    return unicodedata.name(character, "").split(" ")[0]
