"""Documents of word processors, DOCX and ODT. Their text alone is read: no macros, no fields, no links."""

import zipfile
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.zipped import consume, local_name, local_value, member, opened, xml_events
from lm.text.archives import DOCX_MEMBER

DOCX_NOTES = ("word/footnotes.xml", "word/endnotes.xml")
ODT_MEMBER = "content.xml"
# What stands beside the text: what was deleted or moved away, codes of fields, remarks, the second of two forms.
DOCX_LEFT_OUT = frozenset({"del", "moveFrom", "Fallback", "sectPr", "pPr", "rPr"})
ODT_LEFT_OUT = frozenset({"tracked-changes", "annotation", "table-of-content", "note-citation", "forms", "scripts"})
DOCX_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
ODT_SIGNS = {"tab": "\t", "line-break": "\n"}
MAX_SPACES = 100  # that an ODT document may say are in a row

Events = Iterator[tuple[str, Element]]


def read_docx(file: InputFile) -> Iterator[Passage]:
    """Read the paragraphs of a DOCX document, a line each, then its notes. Raises Unreadable."""
    with opened(file) as archive:
        notes = [name for name in DOCX_NOTES if name in archive.namelist()]
        yield from _whole(archive, [DOCX_MEMBER, *notes], file, _docx_lines)


def read_odt(file: InputFile) -> Iterator[Passage]:
    """Read the paragraphs of an ODT document, a line each. Raises Unreadable."""
    with opened(file) as archive:
        yield from _whole(archive, [ODT_MEMBER], file, _odt_lines)


def _whole(
    archive: zipfile.ZipFile, names: list[str], file: InputFile, lines: Callable[[Events], Iterator[str]]
) -> Iterator[Passage]:
    file.unit, file.amount = "paragraphs", 0
    yield from in_parts(_counted(archive, names, file, lines))
    if not file.amount:
        raise Unreadable("a document without text")


def _counted(
    archive: zipfile.ZipFile, names: list[str], file: InputFile, lines: Callable[[Events], Iterator[str]]
) -> Iterator[str]:
    for name in names:
        with member(archive, name, file.expansion) as stream:
            for line in lines(xml_events(stream)):
                file.amount = (file.amount or 0) + bool(line.strip())
                yield line


def _docx_lines(events: Events) -> Iterator[str]:
    left_out, pieces = 0, list[str]()
    for event, element in events:
        name = local_name(element)
        if name in DOCX_LEFT_OUT:
            left_out += 1 if event == "start" else -1
        if event == "start":
            continue
        if not left_out:
            pieces.append((element.text or "") if name == "t" else DOCX_SIGNS.get(name, ""))
        if name == "p":
            yield "".join(pieces) + "\n"
            pieces.clear()
        consume(element)


def _odt_lines(events: Events) -> Iterator[str]:
    left_out, inside = 0, 0
    for event, element in events:
        name = local_name(element)
        if name in ODT_LEFT_OUT:
            left_out += 1 if event == "start" else -1
        elif name in ("p", "h"):
            inside += 1 if event == "start" else -1
            if event == "end" and not inside and not left_out:
                yield "".join(_odt_text(element)) + "\n"
        if event == "end" and not inside:
            consume(element)


def _odt_text(element: Element) -> Iterator[str]:
    """The text of an element and of those in it, as it stands between them."""
    name = local_name(element)
    if name in ODT_LEFT_OUT:
        return
    if name == "s":
        spaces = local_value(element, "c")
        yield " " * min(int(spaces) if spaces.isdecimal() else 1, MAX_SPACES)
    yield ODT_SIGNS.get(name, "")
    yield "\n" if name == "note" else element.text or ""
    for inner in element:
        yield from _odt_text(inner)
        yield inner.tail or ""
