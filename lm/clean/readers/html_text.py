"""From a web page to the text that someone wrote in it: without markup, scripts, navigation, headers and footers."""

import re
from collections import Counter
from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

MAX_CHARACTERS = 2**25  # of a page, whose tree takes several times as much memory
MAX_NESTED = 1000  # elements; the parser's time grows with the square, and at 100,000 it crashes
MIN_SHARE = 0.3  # of all of a page's text: where the heuristics keep less, they have missed the point
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that hold nothing, that are often left open, or that the parser does not nest.
_NOT_NESTED = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "thead",
        "tbody",
        "tfoot",
        "option",
        "a",
        "b",
        "big",
        "code",
        "em",
        "font",
        "i",
        "nobr",
        "s",
        "small",
        "strike",
        "strong",
        "tt",
        "u",
        "span",
    ]
)


class Page(NamedTuple):
    """A page's title, "" where it has none, and its text."""

    title: str
    text: str


def page_text(html: str, *, whole: bool = False) -> Page | None:
    """Read a page, or the `whole` of one; None for one that is too large or too deeply nested to be a text.

    The parts that frame the text are left out by Resiliparse's heuristics, as long as enough remains: a play or a poem
    set in an unusual way is rather kept with its frame than lost.
    """
    if len(html) > MAX_CHARACTERS or _is_nested_deeply(html):
        return None
    html = html.encode("utf-8", "replace").decode()  # halves of surrogate pairs are no characters to the parser
    tree = HTMLTree.parse(html)
    everything = extract_plain_text(tree, preserve_formatting=True, alt_texts=False)
    title = " ".join((tree.title or "").split())
    if whole:
        return Page(title, everything)
    main = extract_plain_text(tree, preserve_formatting=True, alt_texts=False, main_content=True)
    return Page(title, main if len(main) >= MIN_SHARE * len(everything) else everything)


def _is_nested_deeply(html: str) -> bool:
    """Whether so many elements are open at once somewhere; a closing tag counts where one of its name is open."""
    opened = Counter[str]()
    depth = 0
    for closing, tag in _TAG.findall(html):
        name = tag.lower()
        if name not in _NOT_NESTED and not (closing and not opened[name]):
            opened[name] += -1 if closing else 1
            depth += -1 if closing else 1
            if depth > MAX_NESTED:
                return True
    return False
