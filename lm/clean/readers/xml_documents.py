"""Documents in XML: what stands in their elements, such as TEI, FictionBook, DocBook and feeds."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.zipped import consume, local_name, xml_events

XML_SUFFIXES = (".xml", ".tei", ".fb2", ".rss", ".atom", ".dbk")
LEFT_OUT = frozenset({"binary", "teiHeader", "description", "script", "style"})
BLOCKS = frozenset({"p", "para", "l", "v", "ab", "head", "title", "subtitle", "li", "cell", "td", "line"})


def is_xml(name: str, head: str) -> bool:
    """Whether a file is a document in XML."""
    return name.lower().endswith(XML_SUFFIXES) and head.lstrip("\ufeff \n\t").startswith("<")


def read_xml(file: InputFile) -> Iterator[Passage]:
    """Read all elements that hold text as one document, a line each. Raises Unreadable."""
    file.unit, file.amount = "lines", 0
    with file.path.open("rb") as stream:
        yield from in_parts(_lines(xml_events(stream), file))
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
