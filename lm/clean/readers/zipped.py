"""Documents that are zip archives of XML: their members, opened within the bounds that archives have."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from lm.clean.readers.input_file import InputFile, Unreadable
from lm.text.archives import DAMAGED, EXPANSION_FREE_BYTES, MAX_EXPANSION, Expansion

BOMB = f"it expands to more than {MAX_EXPANSION} times its size"
BLOCK_BYTES = 2**20
MAX_DEPTH = 200  # of elements in each other
CONSUMED = ""
NOT_XML = "damaged: its XML cannot be read"


@contextmanager
def opened(file: InputFile) -> Iterator[zipfile.ZipFile]:
    """Open a document's archive; what is wrong with it becomes Unreadable."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            yield archive
    except (*DAMAGED, RuntimeError, KeyError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        encrypted = isinstance(error, RuntimeError) and "password" in str(error)
        raise Unreadable("encrypted" if encrypted else "damaged or cut short") from None


class _Counted(io.RawIOBase):
    """A member as it expands. Raises BadInput at the cap of all archives."""

    def __init__(self, stream: IO[bytes], expansion: Expansion) -> None:
        super().__init__()
        self._stream, self._expansion = stream, expansion

    def read(self, size: int = -1) -> bytes:
        """Read about so many bytes."""
        block = self._stream.read(min(size, BLOCK_BYTES) if size >= 0 else BLOCK_BYTES)
        self._expansion.bytes += len(block)
        self._expansion.check()
        return block


@contextmanager
def member(archive: zipfile.ZipFile, name: str, expansion: Expansion) -> Iterator[IO[bytes]]:
    """Open a member as a stream of what it expands to."""
    info = archive.getinfo(name)
    if info.file_size > EXPANSION_FREE_BYTES + MAX_EXPANSION * info.compress_size:  # it gives no more than it says
        raise Unreadable(BOMB)
    with archive.open(info) as stream:
        yield _Counted(stream, expansion)  # type: ignore[misc]  # bytes in all but its declaration


def member_bytes(archive: zipfile.ZipFile, name: str, expansion: Expansion, max_bytes: int) -> bytes | None:
    """All that a member holds; None where it is more than `max_bytes`."""
    content = bytearray()
    with member(archive, name, expansion) as stream:
        while block := stream.read(BLOCK_BYTES):
            content += block
            if len(content) > max_bytes:
                return None
    return bytes(content)


def xml_events(stream: IO[bytes]) -> Iterator[tuple[str, Element]]:
    """The starts and ends of a stream's elements; no entity is expanded, nothing is fetched.

    Memory: what is open, and what has ended and was not given to `consume`. Raises Unreadable.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    opened = list[Element]()
    try:
        for event, element in iterparse(stream, events=("start", "end")):
            if event == "start":
                opened.append(element)
                if len(opened) > MAX_DEPTH:
                    raise Unreadable("XML that is nested too deeply to be a text")
            else:
                opened.pop()
            yield event, element
            if event == "end" and opened and element.tag == CONSUMED:
                opened[-1].remove(element)
    except DefusedXmlException:
        raise Unreadable("XML that declares entities of its own, which are not expanded") from None
    except (ParseError, LookupError, UnicodeError, ValueError):  # the latter of an encoding that is not known
        raise Unreadable(NOT_XML) from None


def consume(element: Element) -> None:
    """Forget an element that has ended, and all in it."""
    element.clear()
    element.tag = CONSUMED


def parsed_xml(content: bytes) -> Any:
    """A small XML document as a tree. Raises Unreadable."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(content)
    except (DefusedXmlException, ParseError, LookupError, UnicodeError, ValueError):
        raise Unreadable(NOT_XML) from None


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def local_value(element: Element, name: str) -> str:
    """The value of an attribute, whatever its namespace; "" where there is none."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
