"""EPUB books, chapter by chapter in reading order."""

import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.zipped import local_name, local_value, member_bytes, opened, parsed_xml
from lm.text.file_kind import BYTE_ORDER_MARKS

CONTAINER = "META-INF/container.xml"
MAX_LIST_BYTES = 2**24  # of a book's list of files
PAGE_TYPES = ("application/xhtml+xml", "text/html")


def read_epub(file: InputFile) -> Iterator[Passage]:
    """Read the pages of a book in the order of its spine, without its own table of contents."""
    from lm.clean.readers.html_text import MAX_CHARACTERS, page_text

    file.unit, file.amount = "chapters", 0
    with opened(file) as archive:
        if "META-INF/encryption.xml" in archive.namelist() and "META-INF/rights.xml" in archive.namelist():
            raise Unreadable("encrypted")
        for number, name in enumerate(_in_reading_order(archive, file), 1):
            content = member_bytes(archive, name, file.expansion, 4 * MAX_CHARACTERS)
            page = page_text(_decoded(content), whole=True) if content else None
            if page is None or page.text.strip():
                file.amount += page is not None
                yield Passage(page.text if page else None, page.title if page else "", number)
    if not file.amount:
        raise Unreadable("a book without text")


def _in_reading_order(archive: zipfile.ZipFile, file: InputFile) -> list[str]:
    """The names of a book's pages, by its spine; all pages by name where the book has no list of files."""
    names = set(archive.namelist())
    package = _package_name(archive, file) if CONTAINER in names else None
    content = member_bytes(archive, package, file.expansion, MAX_LIST_BYTES) if package in names and package else None
    if not content or not package:
        return sorted(name for name in names if name.lower().endswith(("html", "htm")))
    items, order, contents = dict[str, str](), list[str](), set[str]()
    for element in parsed_xml(content).iter():
        if local_name(element) == "item" and local_value(element, "media-type") in PAGE_TYPES:
            items[local_value(element, "id")] = _joined(package, local_value(element, "href"))
            if "nav" in local_value(element, "properties").split():
                contents.add(local_value(element, "id"))
        elif local_name(element) == "itemref":
            order.append(local_value(element, "idref"))
    return [items[page] for page in dict.fromkeys(order) if items.get(page) in names and page not in contents]


def _package_name(archive: zipfile.ZipFile, file: InputFile) -> str | None:
    content = member_bytes(archive, CONTAINER, file.expansion, MAX_LIST_BYTES)
    roots = (element for element in parsed_xml(content or b"").iter() if local_name(element) == "rootfile")
    return next((local_value(element, "full-path") for element in roots), None)


def _joined(package: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(address.partition("#")[0])))


def _decoded(content: bytes) -> str:
    """The text of a page: UTF-8, as the standard says, or what its mark says; else what Windows wrote."""
    marked = (encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark))
    try:
        return content.decode(next(marked, "utf-8"))
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
