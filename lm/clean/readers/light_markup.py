"""Texts in light markup, whose settings and remarks stand on lines of their own: Org, AsciiDoc, Fountain and others.

What marks headings, lists and emphasis stays as it was written, as in Markdown.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lm.clean.readers.input_file import InputFile, Passage, in_parts

MAX_TITLE_PAGE = 40  # lines


class Markup(NamedTuple):
    """Which lines of a kind of text are no text."""

    name: str
    setting: re.Pattern[str]  # a line by itself
    opens: re.Pattern[str] | None = None  # the first of several
    closes: re.Pattern[str] | None = None
    left_out: str = "settings and remarks left out"


ORG = Markup(
    "Org text",
    re.compile(r"\s*#\+(?!title:|begin|end)[\w-]+:.*|\s*#(?: .*)?$|\s*(?:SCHEDULED|DEADLINE|CLOSED):\s*[<\[].*", re.I),
    re.compile(r"\s*:(?:PROPERTIES|LOGBOOK):\s*$", re.I),
    re.compile(r"\s*:END:\s*$", re.I),
)
ASCIIDOC = Markup(
    "AsciiDoc text",
    re.compile(
        r":!?[\w-]+!?:.*|//(?!/).*|\[(?:\[.*\]|#.*|[\w-]+(?:,.*)?|\.[\w-]+.*)\]\s*$|ifn?def::.*|endif::.*|include::.*"
    ),
    re.compile(r"/{4,}\s*$"),
    re.compile(r"/{4,}\s*$"),
)
FOUNTAIN = Markup(
    "screenplay",
    re.compile(r"\s*\[\[.*\]\]\s*$|={3,}\s*$"),
    re.compile(r"\s*/\*"),
    re.compile(r".*\*/\s*$"),
    "remarks left out",
)
LOGSEQ = Markup("Logseq notes", re.compile(r"\s*(?:- )?(?:id|collapsed|created-at|updated-at|heading):: .*"))
JOPLIN = Markup(
    "Joplin note",
    re.compile("(?!)"),
    re.compile(r"id: [0-9a-f]{32}\s*$"),
    re.compile("(?!)"),
    "settings left out",
)
SUFFIXES = {
    ".org": ORG,
    ".adoc": ASCIIDOC,
    ".asciidoc": ASCIIDOC,
    ".fountain": FOUNTAIN,
    ".spmd": FOUNTAIN,
}
_LOGSEQ_SIGN = re.compile(r"(?m)^[ \t]+(?:id:: [0-9a-f-]{36}|collapsed:: true)[ \t]*$")
_JOPLIN_SIGN = re.compile(r"(?m)^id: [0-9a-f]{32}\n(?:[a-z_]+: .*\n)*?(?:parent_id|created_time): ")


def find_markup(name: str, head: str) -> Markup | None:
    """Find which light markup a text is in, by its name, or in Markdown by what a program left there."""
    suffix = "." + name.rpartition(".")[2]
    if suffix == ".md":
        return LOGSEQ if _LOGSEQ_SIGN.search(head) else JOPLIN if _JOPLIN_SIGN.search(head) else None
    return SUFFIXES.get(suffix)


def has_light_markup(name: str, head: str) -> bool:
    """Whether a text is in such a markup."""
    return find_markup(name, head) is not None


def read_light_markup(file: InputFile) -> Iterator[Passage]:
    """Read the text without the lines that are none."""
    markup = find_markup(file.name.lower(), file.head(2**16))
    assert markup
    file.kind = markup.name
    yield from in_parts(_lines(file, markup))


def _lines(file: InputFile, markup: Markup) -> Iterator[str]:
    closes: re.Pattern[str] | None = None
    is_setting: Callable[[str], object] = markup.setting.fullmatch
    with file.open_text() as stream:
        for line in stream:
            bare = line.rstrip("\n")
            if closes:
                closes = None if closes.match(bare) else closes
            elif markup.opens and markup.opens.match(bare):
                one_line = bool(markup.closes and markup is FOUNTAIN and markup.closes.match(bare))
                closes = None if one_line else markup.closes
            elif not is_setting(bare):
                yield line
                continue
            file.left_out = markup.left_out
