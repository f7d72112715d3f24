"""Mending of text that was damaged on its way: decoded in a wrong encoding, or with characters that are no text."""

import re

MAX_DAMAGE = 4  # times that a line may have been decoded wrongly
# Where UTF-8 was read as cp1252, cp1251 or MacRoman: the image of a first byte, then that of a following one; or
# punctuation of cp1252 as a control. ftfy's own test takes 0.4 s a megabyte; this one picks the lines that it looks at.
_MOJIBAKE = re.compile(
    "[\xc2-\xf4][\xa0-\xbf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019"
    "\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]|\u0432\u0402|\u201a\xc4|[\x80-\x9f]"
)
# C0 and C1 controls but tab and newline, halves of surrogate pairs, and byte-order marks left inside.
_ASCII_CONTROLS = bytes({*range(32), 127} - {9, 10})
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")


def drop_control_characters(text: str) -> tuple[str, int]:
    """Return the text without NULs, controls and lone surrogates, and how many of them there were."""
    if text.isascii():  # six times as fast as the pattern
        kept = text.encode().translate(None, _ASCII_CONTROLS)
        return (kept.decode(), len(text) - len(kept)) if len(kept) < len(text) else (text, 0)
    return _NO_TEXT.subn("", text)


def repair_mojibake(text: str) -> tuple[str, int]:
    """Return the text with lines mended that were once decoded in a wrong encoding (`cafÃ©`), and how many these were.

    Nothing but the encoding is mended: quotes, ligatures, widths and entities stay as they were written.
    """
    if text.isascii() or not _MOJIBAKE.search(text):
        return text, 0
    lines, mended = text.split("\n"), 0
    for index, line in enumerate(lines):
        if _MOJIBAKE.search(line) and (better := _mended(line)) != line:
            lines[index] = better
            mended += 1
    return "\n".join(lines), mended


def _mended(line: str) -> str:
    import ftfy  # it takes longer to load than most texts to clean, and few need it

    for _ in range(MAX_DAMAGE):
        if (better := ftfy.fix_encoding(line)) == line:
            break
        line = better
    return line
