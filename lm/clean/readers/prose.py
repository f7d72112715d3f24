"""Whether a value is something that a person wrote to be read, or an id, a date, an address, a label."""

import re

MIN_WORDS = 3
MIN_UNSPACED = 4  # characters of a script that puts no spaces between words
MIN_LETTERS_SHARE = 0.5  # of what is no space
MAX_JUDGED = 400  # characters of a value
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2,}|\b[^\W\d_]\b")
# What stands for something else: numbers, dates, hashes, addresses, paths, codes.
_NO_WORDS = re.compile(
    r"[\d\s.,:;/+\-_TZ%$€£()#*]+|(?:https?://|www\.|mailto:)\S+|[^\s@]+@[^\s@]+\.\w+|[0-9a-fA-F-]{8,}|[\w.+=/\\:-]*\d[\w.+=/\\:-]*"
    r"|(?:[A-Za-z]:)?[\\/]?(?:[\w.-]+[\\/])+[\w.-]*|true|false|none|null|nan|yes|no",
    re.I,
)


def is_prose(value: str) -> bool:
    """Whether a value reads as a sentence or more."""
    value = value[:MAX_JUDGED].strip()
    if is_code(value) or (len(value.split(None, 1)) < 2 and not _UNSPACED.search(value)):  # a name, such as IN_A_ROW
        return False
    letters = len(_LETTERS.findall(value))
    if letters < MIN_LETTERS_SHARE * len("".join(value.split())):
        return False
    return len(_WORD.findall(value)) >= MIN_WORDS or len(_UNSPACED.findall(value)) >= MIN_UNSPACED


def is_code(value: str) -> bool:
    """Whether a value is a number, a date, a hash, an address or the like, alone."""
    value = value[:MAX_JUDGED].strip()
    return not value or bool(_NO_WORDS.fullmatch(value))


def lower_case_share(value: str) -> float:
    """Share of words that begin in lower case: names and street addresses have few; 1 where a script has no case."""
    words = [word for word in _WORD.findall(value[:MAX_JUDGED]) if word[0].islower() or word[0].isupper()]
    return sum(word[0].islower() for word in words) / len(words) if words else 1.0
