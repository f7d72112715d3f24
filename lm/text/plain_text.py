"""Text from outside, made fit for a terminal or a page: it may say anything, but it gives no orders."""

import re

# C0 and C1 controls (escape sequences among them) but for tab and newline, and what turns the writing direction around
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
GAP = re.compile(r"\n[^\S\n]*\n\s*\n(?=[^\n]|$)")


def visible(text: str) -> str:
    """Put a visible sign in the place of every control character."""
    return UNPRINTABLE.sub(lambda match: chr(0x2400 + ord(match[0])) if ord(match[0]) < 0x20 else "\ufffd", text)


def opening(text: str, characters: int) -> str:
    """The first `characters` of a text at most, cut between words, with an ellipsis where something was cut."""
    text = text.rstrip()
    if len(text) <= characters:
        return text
    head = text[:characters]
    words = head.rsplit(None, 1)
    return (words[0] if len(words) == 2 and len(words[0]) > characters // 2 else head).rstrip() + " …"


def close_gaps(text: str) -> str:
    """The text with one empty line wherever there are several, so that it can be shown."""
    return GAP.sub("\n\n", text)
