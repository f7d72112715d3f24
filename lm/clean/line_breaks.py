"""Ends of lines and pages that are not written as `\\n`: vertical tabs, form feeds, carriage returns and others."""

import re

_ONE_BY_ONE = ("\r", "\v", "\f", "\x85", "\u2028", "\u2029")
_BREAK = re.compile("\r+\n|[\r\v\u2028]|\n?\f+\n?|\n?\u2029\n?")
_NEXT_LINE = re.compile("(?<![\xc2-\xf4])\x85")  # after these it may be half of a character of UTF-8
_OTHER_C1 = re.compile("[\x80-\x84\x86-\x9f]")


def unify_line_breaks(text: str) -> tuple[str, int]:
    """Return the text with `\\n` for each end of a line or page, and how many others than `\\r\\n` there were.

    A form feed beside `\\n` adds no line: pages end within paragraphs. A paragraph separator gives an empty line.
    """
    if not any(each in text for each in _ONE_BY_ONE):
        return text, 0
    found = 0
    if _is_next_line(text):
        text, found = _NEXT_LINE.subn("\n", text)
    pairs = text.count("\r\n")
    text, breaks = _BREAK.subn(lambda match: "\n\n" if "\u2029" in match[0] else "\n", text)
    return text, found + breaks - pairs


def _is_next_line(text: str) -> bool:
    """Whether U+0085 ends lines: in a text of other such controls, or of many lines, it is an ellipsis of cp1252."""
    return "\x85" in text and not _OTHER_C1.search(text) and text.count("\x85") > text.count("\n")
