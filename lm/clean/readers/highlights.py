"""What readers marked in books: `My Clippings.txt` of a Kindle, the marks of each book a document."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable

END = "=========="
MAX_CLIPPINGS = 100_000
_BEGINNING = re.compile(r"\ufeff?[^\n]+\n- [^\n]*[|\uff5c][^\n]*\n")


def is_clippings(head: str) -> bool:
    """Whether a text is a Kindle's file of clippings."""
    return bool(_BEGINNING.match(head)) and f"\n{END}\n" in head


def read_clippings(file: InputFile) -> Iterator[Passage]:
    """Read all that was marked or noted; bookmarks hold no text. Raises Unreadable."""
    books, bookmarks, count = dict[str, list[str]](), 0, 0
    for title, text in _clippings(file):
        if not text:
            bookmarks += 1
        else:
            books.setdefault(title, []).append(text)
            count += 1
            if count > MAX_CLIPPINGS:
                raise Unreadable(f"more than {MAX_CLIPPINGS:,} clippings")
    if not books:
        raise Unreadable("clippings without text")
    file.unit, file.amount = "clippings", count
    file.left_out = "places and dates left out" + (f", and {bookmarks:,} bookmarks" if bookmarks else "")
    for title, texts in books.items():
        yield Passage("\n\n".join(dict.fromkeys(texts)) + "\n", title)


def _clippings(file: InputFile) -> Iterator[tuple[str, str]]:
    lines = list[str]()
    with file.open_text() as stream:
        for line in stream:
            line = line.rstrip("\n").strip("\ufeff")
            if line.startswith(END):
                yield lines[0].strip() if lines else "", "\n".join(lines[2:]).strip()
                lines = []
            else:
                lines.append(line)
