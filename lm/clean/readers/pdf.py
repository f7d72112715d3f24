"""PDF files that have their text in them."""

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts

MAX_PAGES = 20_000
MAX_PAGE_BYTES = 2**24  # of a page's drawing instructions: more is a map or a picture, and takes minutes
MAX_SECONDS = 600.0  # for a file: what takes longer was made to
MIN_PAGE_CHARACTERS = 20  # of a page on average; a scan has none
MIN_RUNNING_SHARE, MIN_RUNNING_PAGES = 0.3, 4  # of pages that begin or end in the same line: a running head
_DIGITS = re.compile(r"\d+")


def read_pdf(file: InputFile) -> Iterator[Passage]:
    """Read the text of all pages as one document, without page numbers and running heads. Raises Unreadable."""
    pages = list(_pages(file))
    characters = sum(len("".join(page.split())) for page in pages)
    if not pages or characters < MIN_PAGE_CHARACTERS * len(pages):
        raise Unreadable("a PDF of scanned pages, without a text layer: add one, such as with ocrmypdf")
    file.unit, file.amount = "pages", len(pages)
    running = _running_lines(pages)
    file.left_out = "running heads and page numbers left out" if running else ""
    yield from in_parts(_without(page, running, is_first=number == 0) for number, page in enumerate(pages))


def _pages(file: InputFile) -> Iterator[str]:
    import pypdf

    until = time.monotonic() + MAX_SECONDS
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with _readable(), pypdf.PdfReader(file.path, strict=False) as reader:
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("an encrypted PDF file")
        if len(reader.pages) > MAX_PAGES:
            raise Unreadable(f"a PDF file of more than {MAX_PAGES:,} pages")
        file.total = len(reader.pages)
        for page in islice(reader.pages, file.max_pages):
            contents = page.get_contents()
            if contents is None or len(contents.get_data()) > MAX_PAGE_BYTES:
                continue
            yield page.extract_text()
            if time.monotonic() > until:
                raise Unreadable(f"a PDF file that takes more than {MAX_SECONDS / 60:.0f} minutes to read")


@contextmanager
def _readable() -> Iterator[None]:
    """What the library raises for a file that is damaged, encrypted in a way of its own or made to harm."""
    try:
        yield
    except (Unreadable, MemoryError, GeneratorExit):
        raise
    except Exception as error:  # it raises whatever its parsing meets: KeyError, TypeError, its own
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(f"a damaged PDF file ({type(error).__name__})") from None


def _edges(page: str) -> tuple[int, ...]:
    """The first two and last two lines of a page that hold something, by their places."""
    lines = [place for place, line in enumerate(page.split("\n")) if line.strip()]
    return tuple(dict.fromkeys([*lines[:2], *lines[-2:]]))


def _form(line: str) -> str:
    return _DIGITS.sub("0", line.strip())


def _running_lines(pages: list[str]) -> set[str]:
    """The lines at the edges of many pages, whatever number is in them."""
    if len(pages) < MIN_RUNNING_PAGES:
        return set()
    counts = Counter[str]()
    for page in pages:
        lines = page.split("\n")
        counts.update({_form(lines[place]) for place in _edges(page)})
    return {line for line, count in counts.items() if count >= max(MIN_RUNNING_PAGES, MIN_RUNNING_SHARE * len(pages))}


def _without(page: str, running: set[str], *, is_first: bool) -> str:
    """A page without its running lines; the head of the first one may be the title."""
    edges, lines = set(_edges(page)[2 if is_first else 0 :]), page.split("\n")
    kept = [line for place, line in enumerate(lines) if not (place in edges and _form(line) in running)]
    return "\n".join(kept).strip("\n") + "\n"
