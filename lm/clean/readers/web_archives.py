"""Pages as crawlers keep them (WARC): the text of each page."""

from collections.abc import Iterator
from typing import Any

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.pages import is_page

MAX_RECORD_BYTES = 2**25


def read_warc(file: InputFile) -> Iterator[Passage]:
    """Read the page of each answer, and each text that was made of one. Raises Unreadable."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    file.unit, file.amount = "pages", 0
    kinds = WarcRecordType.response | WarcRecordType.conversion | WarcRecordType.resource
    with file.path.open("rb") as stream:
        try:
            for record in ArchiveIterator(
                stream, record_types=kinds, max_content_length=MAX_RECORD_BYTES, auto_decode="all"
            ):
                if (passage := _passage(record)) is not None:
                    file.amount += passage.text is not None
                    yield passage
        except (OSError, ValueError, EOFError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise Unreadable("a damaged web archive; what precedes the damage was read") from None
    if not file.amount:
        raise Unreadable("a web archive without pages")


def _passage(record: Any) -> Passage | None:
    """The text of a record; None where it is a picture or the like."""
    from lm.clean.readers.html_text import page_text

    kind = (record.http_content_type if record.is_http else record.headers.get("Content-Type")) or ""
    if not kind.startswith(("text/html", "application/xhtml", "text/plain")):
        return None
    title = record.headers.get("WARC-Target-URI", "")
    text = record.reader.read(MAX_RECORD_BYTES).decode((record.is_http and record.http_charset) or "utf-8", "replace")
    if kind.startswith("text/plain") and not is_page("", text[: 2**16]):
        return Passage(text if text.strip() else None, title)
    page = page_text(text)
    return Passage(page.text if page and page.text.strip() else None, (page.title if page else "") or title)
