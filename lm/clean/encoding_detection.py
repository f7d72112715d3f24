"""Which encoding a text is in that is not UTF-8: the one in which its letters follow each other as in some language."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lm.clean.letter_costs import (
    ASCII_BITS,
    LOWER_TO_UPPER_BITS,
    RARE_CHARACTER_BITS,
    TO_UPPER_BITS,
    frequent_characters,
    languages,
)
from lm.clean.letter_symbols import ASCII_LETTER, CLASS_BITS, CLASSES, OTHER_SCRIPT, symbol_class

WESTERN = "cp1252"  # ISO-8859-1 and the punctuation that Windows added
_WEST = ("en", "de", "fr", "es", "it", "pt", "nl", "da", "nb", "sv", "fi", "is")
_CENTRAL = ("pl", "cs", "sk", "hu", "ro", "hr", "sl")
_CYRILLIC = ("ru", "uk", "bg", "sr", "mk", "be")
# Encodings of one byte a character, with the languages that are written in them and the bits by which each is less
# likely than cp1252: systems that are gone cost more.
SINGLE_BYTE: dict[str, tuple[tuple[str, ...], float]] = {
    WESTERN: (_WEST, 0.0),
    "cp1250": (_CENTRAL, 3.0),
    "iso8859-2": (_CENTRAL, 5.0),
    "cp1251": (_CYRILLIC, 3.0),
    "koi8-r": (("ru",), 5.0),
    "koi8-u": (("uk", "ru"), 6.0),
    "cp1253": (("el",), 3.0),
    "iso8859-7": (("el",), 5.0),
    "cp1254": (("tr",), 3.0),
    "cp1255": (("he",), 3.0),
    "cp1256": (("ar", "fa"), 3.0),
    "cp1257": (("lt", "lv", "et"), 3.0),
    "cp1258": (("vi",), 3.0),
    "cp874": (("th",), 3.0),
    "iso8859-15": (_WEST, 9.0),
    "iso8859-13": (("lt", "lv", "et"), 9.0),
    "iso8859-5": (_CYRILLIC, 9.0),
    "iso8859-6": (("ar",), 9.0),
    "mac-roman": (_WEST, 9.0),
    "mac-latin2": (_CENTRAL, 12.0),
    "mac-cyrillic": (_CYRILLIC, 12.0),
    "cp850": (_WEST, 12.0),
    "cp852": (_CENTRAL, 12.0),
    "cp866": (_CYRILLIC, 9.0),
}
# Encodings of several bytes a character, with the larger sets of their makers where a text does not fit.
MULTI_BYTE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gb18030": (("zh_CN", "zh_TW"), ()),
    "big5": (("zh_TW",), ("cp950", "big5hkscs")),
    "shift_jis": (("ja",), ("cp932",)),
    "euc_jp": (("ja",), ("euc_jis_2004",)),
    "euc_kr": (("ko",), ("cp949",)),
}
MULTI_BYTE_BITS = 3.0
SCRIPT_CHANGE_BITS = 5.0  # of a letter beside a Latin one, of which its language has none
_SCRIPT_CHANGE = re.compile("[A-Za-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[A-Za-z])")
MAX_BROKEN = 0.05  # share of characters that the encoding does not have
CLASS_OF_SYMBOLS_BITS = 8.0  # of any character that is no letter, in text of CJK
# ASCII letters tell the language of a text, which decides where little else does; the text may be about another.
ASCII_WEIGHT, MAX_ASCII_BITS, FOREIGN_LETTER_BITS = 0.3, 40.0, 0.15
_IS_LETTER = np.array([chr(code).isalpha() for code in range(128)])
THIN_BITS = 30.0  # by which the best must be better than one that gives another text


class Detected(NamedTuple):
    """The encoding found, and the next best that gives another text where the evidence is thin, else ""."""

    encoding: str
    alternative: str = ""


class _Guess(NamedTuple):
    bits: float
    encoding: str


def detect(sample: bytes, context: bytes = b"") -> Detected:
    """Find the encoding of bytes that are not UTF-8. `context` is other text of the file, in ASCII it may be.

    Takes some 30 ms for 64 kB.
    """
    unlikely = _unlikely_languages(_pairs(sample + context))
    guesses = sorted((*_single_byte_guesses(_pairs(sample), unlikely), *_multi_byte_guesses(sample, unlikely)))
    best = guesses[0]
    text = sample.decode(best.encoding, "replace")
    for other in guesses[1:]:
        if other.bits > best.bits + THIN_BITS:
            break
        if sample.decode(other.encoding, "replace") != text:
            return Detected(best.encoding, other.encoding)
    return Detected(best.encoding)


class _Pairs(NamedTuple):
    """Pairs of neighbouring bytes, each as often as `counts` says."""

    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def select(self, wanted: npt.NDArray[np.bool_]) -> "_Pairs":
        """Those that are wanted."""
        return _Pairs(self.before[wanted], self.after[wanted], self.counts[wanted])


def _pairs(sample: bytes) -> _Pairs:
    codes = np.frombuffer(sample, np.uint8).astype(np.int64)
    counts = np.bincount(codes[:-1] * 256 + codes[1:], minlength=2**16)
    pairs = np.flatnonzero(counts)
    return _Pairs(pairs // 256, pairs % 256, counts[pairs])


def _unlikely_languages(pairs: _Pairs) -> dict[str, float]:
    """Bits by which the ASCII letters make each language less likely.

    They tell the language of a Latin text. In one of another script each word of its own costs more, the more words
    are Latin: an Italian `è` is a Russian `и` in cp1251, a word both.
    """
    plain = pairs.select((pairs.before < 128) & (pairs.after < 128))
    latin = {code: _bits("ascii", code, plain) for code in languages() if languages()[code].letters[0] == "a"}
    least = min(latin.values())
    unlikely = {code: min(ASCII_WEIGHT * (found - least), MAX_ASCII_BITS) for code, found in latin.items()}
    letters, beyond = float(plain.counts @ _IS_LETTER[plain.after]), float(pairs.counts[pairs.after > 127].sum())
    words = float(pairs.counts[(pairs.before < 128) & (pairs.after > 127)].sum())
    change = words * max(math.log2((letters + 1) / (beyond + 1)), 0.0)
    other = min(FOREIGN_LETTER_BITS * letters, MAX_ASCII_BITS) + change
    return dict.fromkeys([*languages(), *frequent_characters()], other) | unlikely


def _single_byte_guesses(pairs: _Pairs, unlikely: dict[str, float]) -> Iterator[_Guess]:
    is_beyond = (pairs.before > 127) | (pairs.after > 127)
    ascii_bits = ASCII_BITS * float(pairs.counts[~is_beyond].sum())
    beyond = pairs.select(is_beyond)
    for encoding, (codes, bits) in SINGLE_BYTE.items():
        least = min(_bits(encoding, code, beyond) + unlikely[code] for code in codes)
        yield _Guess(least + ascii_bits + bits, encoding)


def _bits(encoding: str, code: str, pairs: _Pairs) -> float:
    """What the second byte of each pair costs after the first, read in an encoding and a language."""
    language, charset, symbols = languages()[code], _charset(encoding), _symbols(encoding, code)
    before, after = symbols[pairs.before], symbols[pairs.after]
    costs = language.costs[before, after]
    to_upper = np.where(charset.lower[pairs.before], LOWER_TO_UPPER_BITS, TO_UPPER_BITS)
    costs += np.where(charset.upper[pairs.after], to_upper, 0)
    costs += np.where(
        np.minimum(before, after) == ASCII_LETTER, (np.maximum(before, after) >= CLASSES) * SCRIPT_CHANGE_BITS, 0
    )
    return float(pairs.counts @ costs)


class _Charset(NamedTuple):
    """The characters of an encoding's bytes, and which are small letters and capitals: (256,) each."""

    characters: list[str]
    lower: npt.NDArray[np.bool_]
    upper: npt.NDArray[np.bool_]


@cache
def _charset(encoding: str) -> _Charset:
    characters = [bytes([byte]).decode(encoding, "replace") for byte in range(256)]
    return _Charset(
        characters, np.array([c.islower() for c in characters]), np.array([c.isupper() for c in characters])
    )


@cache
def _symbols(encoding: str, code: str) -> npt.NDArray[np.int64]:
    """The symbol of each byte: (256,)."""
    return np.array([_symbol(code, character) for character in _charset(encoding).characters])


@cache
def _symbol(code: str, character: str) -> int:
    return languages()[code].symbol(character)


def _multi_byte_guesses(sample: bytes, unlikely: dict[str, float]) -> Iterator[_Guess]:
    for encoding, (codes, larger) in MULTI_BYTE.items():
        name = next((name for name in (encoding, *larger) if decodes(sample, name)), encoding)
        text = sample.decode(name, "replace")
        if text.count("\ufffd") > MAX_BROKEN * len(text):
            continue
        numbers = Counter(text)
        borders = SCRIPT_CHANGE_BITS * len(_SCRIPT_CHANGE.findall(text))
        for code in codes:
            bits = sum(number * _character_bits(character, code) for character, number in numbers.items())
            yield _Guess(bits + borders + unlikely[code] + MULTI_BYTE_BITS, name)


@cache
def _character_bits(character: str, code: str) -> float:
    if character.isascii() and (character.isprintable() or character in "\t\n\r\f"):
        return ASCII_BITS
    if bits := frequent_characters()[code].get(character):
        return bits
    kind = symbol_class(character)
    return RARE_CHARACTER_BITS if kind == OTHER_SCRIPT else CLASS_BITS[kind] + CLASS_OF_SYMBOLS_BITS


def decodes(text: bytes, encoding: str) -> bool:
    """Whether an encoding can be that of a text."""
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
