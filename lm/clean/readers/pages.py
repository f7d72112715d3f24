"""Web pages."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable

PAGE_SUFFIXES = (".html", ".htm", ".xhtml", ".xht")
_TAG = re.compile(r"</?(?:p|div|br|h[1-6]|a|span|table|tr|td|ul|ol|li|head|body|html|title|pre|img)\b[^<>]*>", re.I)
TOO_LARGE = "a web page too large or too deeply nested to be a text"


def is_page(name: str, head: str) -> bool:
    """Whether a file that is called a page holds one."""
    return name.lower().endswith(PAGE_SUFFIXES) and bool(_TAG.search(head))


def read_page(file: InputFile) -> Iterator[Passage]:
    """Read the main text of a page. Raises Unreadable for one that is too large or too deeply nested."""
    from lm.clean.readers.html_text import MAX_CHARACTERS, page_text  # its libraries are needed for pages alone

    page = page_text(file.head(MAX_CHARACTERS + 1))
    if page is None:
        raise Unreadable(TOO_LARGE)
    yield Passage(page.text, page.title)


def markup_text(html: str) -> str | None:
    """All text of a page or of a piece of one, without a search for its main part; None where it is too large."""
    from lm.clean.readers.html_text import page_text

    page = page_text(html, whole=True)
    return page.text if page else None
