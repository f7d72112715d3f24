"""Texts in many languages, from Debian's packages."""

import unicodedata

TONES = "\u0300\u0301\u0303\u0309\u0323"


def windows_vietnamese(text: str, *, composed: bool) -> str:
    """Write Vietnamese as cp1258 can: tones stand apart, all or those for which it has no composed letter."""
    written = list[str]()
    for character in text:
        parts = unicodedata.normalize("NFD", character)
        tone = next((mark for mark in parts if mark in TONES), "")
        if not tone or (composed and _encodable(character)):
            written.append(character)
        else:
            written += [unicodedata.normalize("NFC", parts.replace(tone, "")), tone]
    return "".join(written)


def _encodable(character: str) -> bool:
    try:
        character.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True
