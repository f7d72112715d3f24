"""Texts with marks of corpus tools around them: WikiExtractor's pages, CoNLL-U sentences."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, in_parts

_PAGE = re.compile(r'<doc (?=[^<>\n]*\bid="[^"]*")[^<>\n]*title="([^"]*)"[^<>\n]*>\s*$')
_PAGE_END = "</doc>"
_CONLLU_TEXT = re.compile(r"# ?text ?= ?(.*)")
_CONLLU_BREAK = re.compile(r"# ?new(doc|par)\b")
_TOKEN = re.compile(r"(?m)^1(?:-\d+)?\t[^\t\n]+\t[^\t\n]+\t[^\t\n]+\t")


def is_extracted_wiki(head: str) -> bool:
    """Whether a text is what WikiExtractor makes of a dump."""
    return bool(_PAGE.match(head.lstrip("\ufeff").partition("\n")[0]))


def read_extracted_wiki(file: InputFile) -> Iterator[Passage]:
    """Read the pages."""
    file.unit, title, lines, number = "articles", "", list[str](), 0
    with file.open_text() as stream:
        for line in stream:
            if page := _PAGE.match(line.lstrip("\ufeff")):
                title, lines = page[1], []
            elif line.rstrip() == _PAGE_END:
                number += 1
                yield Passage("".join(lines).strip("\n") + "\n" if lines else None, title, number)
                lines = []
            else:
                lines.append(line)
    if "".join(lines).strip():  # the file was cut
        yield Passage("".join(lines), title, number + 1)


def is_conllu(name: str, head: str) -> bool:
    """Whether a file holds sentences as tables of their words, each under its text."""
    return name.endswith((".conllu", ".conll")) and bool(_CONLLU_TEXT.search(head)) and bool(_TOKEN.search(head))


def read_conllu(file: InputFile) -> Iterator[Passage]:
    """Read the text of the sentences, a line each, as one document; the table of their words is left out."""
    file.unit, file.amount, file.left_out = "sentences", 0, "annotation left out"
    yield from in_parts(_sentences(file))


def _sentences(file: InputFile) -> Iterator[str]:
    with file.open_text() as stream:
        for line in stream:
            if found := _CONLLU_TEXT.match(line):
                file.amount = (file.amount or 0) + 1
                yield found[1].rstrip() + "\n"
            elif file.amount and _CONLLU_BREAK.match(line):
                yield "\n"
