"""What Project Gutenberg puts around its books, taken off.

The three forms its plain-text files have had, as Project Gutenberg has published them: a pair of lines with stars
(`*** START OF THE PROJECT GUTENBERG EBOOK … ***`, older ones `*** START OF THIS PROJECT …`), the small print of the
1990s (`*END*THE SMALL PRINT! …*END*`), and a heading of `Title:`-like fields with no stars at all.
"""

import re
from itertools import pairwise

from lm.text.licences import GUTENBERG, NOT_STATED

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG[^*]{0,400}\*\*\*[ \t]*$", re.M | re.I)
_END = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG[^*]{0,400}\*\*\*[ \t]*$", re.M | re.I)
_SMALL_PRINT = re.compile(r"^\*END ?\*? ?THE SMALL PRINT![^\n]*\*END\*[ \t]*$", re.M | re.I)
_LAST_WORDS = re.compile(
    r"^(?:\*+ ?)?(?:End of (?:the |this )?Project Gutenberg\b[^\n]*"
    r"|START: FULL LICENSE[ \t]*|THE FULL PROJECT GUTENBERG(?:-tm|™)? LICENSE[ \t]*)$",
    re.M | re.I,
)
_FIELD = re.compile(
    r"^(?:Title|Author|Editor|Translator|Illustrator|Contributor|Release Date|Posting Date|Last Updated|"
    r"Most recently updated|Language|Character set encoding|Original publication|Credits|Produced by)(?:: | )\S[^\n]*"
    r"(?:\n[ \t]+\S[^\n]*)*$",
    re.M | re.I,
)
_CREDITS = re.compile(
    r"\s*(?:Produced by|E-?text prepared by|This e-?(?:book|text) was produced by)\b.*?(?:\n\s*\n|\Z)", re.S | re.I
)
_NAMES_ITSELF = re.compile(r"Project Gutenberg\b[^\n]{0,40}\bE-?(?:book|text)\b", re.I)
_COPYRIGHTED = re.compile(r"\bthis is a copyrighted project gutenberg\b", re.I)
_HEADING_CHARACTERS = 6_000  # the fields of a heading with no stars stand within so many


def mentions_gutenberg(text: str) -> bool:
    """Whether a text may be one of its books: hardly any is, and the patterns below take 7 ms a megabyte."""
    return "utenberg" in text or "UTENBERG" in text


def strip_gutenberg(text: str) -> str:
    """Return the book without Project Gutenberg's header, licence and footer; any other text as it was.

    A file of several books gives all of them. `text` has `\\n` line ends.
    """
    starts = [match.end() for match in _START.finditer(text)]
    if not starts and _NAMES_ITSELF.search(text, 0, 1_000):
        starts = [_heading_end(text)]
    if not starts:
        return text
    return "\n\n".join(_body(text[a:b]) for a, b in pairwise([*starts, len(text)]))


def gutenberg_licence(text: str) -> str:
    """What Project Gutenberg's header says of a book's licence; NOT_STATED for any other text."""
    heading = text[:_HEADING_CHARACTERS]
    its_own = _START.search(heading) or _NAMES_ITSELF.search(heading, 0, 1_000)
    return GUTENBERG if its_own and not _COPYRIGHTED.search(heading) else NOT_STATED


def _heading_end(text: str) -> int:
    if small_print := _SMALL_PRINT.search(text):
        return small_print.end()
    return max((match.end() for match in _FIELD.finditer(text, 0, _HEADING_CHARACTERS)), default=0)


def _body(text: str) -> str:
    """Cut what follows the book, and the thanks that precede it."""
    for last in (_END, _LAST_WORDS):
        if match := last.search(text):
            text = text[: match.start()]
    if match := _CREDITS.match(text):
        text = text[match.end() :]
    return text.strip("\n")
