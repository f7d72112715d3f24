"""Documents in XML: what stands in their elements, such as TEI, FictionBook, DocBook and feeds."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.prose import is_prose
from lm.clean.readers.zipped import consume, local_name, xml_events

XML_SUFFIXES = (".xml", ".tei", ".fb2", ".fdx", ".rss", ".atom", ".dbk")
LOOKED_AT_LINES = 500
MIN_PROSE_SHARE = 0.1  # of the first lines: settings and data have none
LEFT_OUT = frozenset({"binary", "teiHeader", "description", "script", "style"})
BLOCKS = frozenset({"p", "para", "l", "v", "ab", "head", "title", "subtitle", "li", "cell", "td", "line", "Paragraph"})


_DRAWING = re.compile(r"\ufeff?\s*(?:<\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*)<svg\b", re.S)


def is_xml(name: str, head: str) -> bool:
    """Whether a file is a document in XML."""
    start = head.lstrip("\ufeff \n\t")
    return start.startswith("<?xml") or (name.endswith(XML_SUFFIXES) and start.startswith("<"))


def is_drawing(name: str, head: str) -> bool:
    """Whether a file is a drawing in SVG."""
    return name.endswith(".svg") or bool(_DRAWING.match(head))


def read_xml(file: InputFile) -> Iterator[Passage]:
    """Read all elements that hold text as one document, a line each. Raises Unreadable."""
    file.unit, file.amount = "lines", 0
    with file.path.open("rb") as stream:
        lines = _lines(xml_events(stream), file)
        beginning = list(islice(lines, LOOKED_AT_LINES))
        if sum(map(is_prose, beginning)) < MIN_PROSE_SHARE * len(beginning):
            raise Unreadable("XML without sentences")
        yield from in_parts(chain(beginning, lines))
    if not file.amount:
        raise Unreadable("XML without text")


def _lines(events: Iterator[tuple[str, Element]], file: InputFile) -> Iterator[str]:
    opened, left_out, block = list[Element](), 0, 0  # block: how many are open where a line began; 0 outside of one
    for event, element in events:
        name = local_name(element)
        if event == "start":
            if not block and opened and (opened[-1].text or "").strip():
                block = len(opened)
            opened.append(element)
            left_out += name in LEFT_OUT
            if not block and name in BLOCKS:
                block = len(opened)
            continue
        if not block or block == len(opened):
            line, block = " ".join("".join(element.itertext()).split()), 0
            if line and not left_out:
                file.amount = (file.amount or 0) + 1
                yield line + "\n"
            consume(element)
        opened.pop()
        left_out -= name in LEFT_OUT
