"""What a file is, judged by its beginning: text of some kind, an archive that may hold text, or nothing to read."""

import codecs
import re
from typing import Literal

from lm.text.utf16 import utf16_without_mark

HEAD_BYTES = 8192
MAX_CONTROLS = 0.02  # share of control characters; random bytes have 0.11, text has none but strays
TAR_MAGIC_OFFSET = 257
KINDLE_MAGIC_OFFSET = 60

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

FileKind = Literal[
    "text",
    "a web page",
    "a parquet file",
    "a gzip file",
    "a bzip2 file",
    "an xz file",
    "a zstandard file",
    "a zip archive",
    "a tar archive",
    "a PDF file",
    "an RTF document",
    "an EPUB book",
    "a DOCX document",
    "an ODT document",
    "a web archive",
    "an image",
    "an office document of a kind that is not read",
    "a book of a kind that is not read",
    "a database",
    "an archive of a kind that is not read",
    "a binary file",
    "an empty file",
]
COMPRESSED: frozenset[FileKind] = frozenset({"a gzip file", "a bzip2 file", "an xz file", "a zstandard file"})
ARCHIVES: frozenset[FileKind] = frozenset({"a zip archive", "a tar archive"})
PLAIN: frozenset[FileKind] = frozenset({"text", "a web page", "a parquet file"})
PAGED: frozenset[FileKind] = frozenset(
    {"a PDF file", "an RTF document", "a web archive"}
)  # a zip archive may turn out to be others
READABLE: frozenset[FileKind] = PLAIN | PAGED | COMPRESSED | ARCHIVES

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b") | {127})
_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"PAR1", "a parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),  # one that holds nothing
    (b"%PDF-", "a PDF file"),
    (b"{\\rtf", "an RTF document"),
    (b"WARC/", "a web archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\xd0\xcf\x11\xe0", "an office document of a kind that is not read"),  # as Word wrote before 2007
    (b"AT&TFORM", "a book of a kind that is not read"),
    (b"SQLite format 3", "a database"),
    (b"7z\xbc\xaf", "an archive of a kind that is not read"),
    (b"Rar!", "an archive of a kind that is not read"),
    (b"\x1f\x9d", "an archive of a kind that is not read"),
)
_FIRST_TAGS = (b"<!doctype html", b"<html", b"<head>", b"<head ", b"<body>", b"<body ", b"<title>", b"<meta ")
_COMMENT = re.compile(rb"\s*<!--.*?-->", re.S)


def file_kind(head: bytes) -> FileKind:
    """Judge a file by its first `HEAD_BYTES` bytes."""
    if not head:
        return "an empty file"
    for mark, marked in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return _kind_of_text(_recoded(head, marked))
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[TAR_MAGIC_OFFSET : TAR_MAGIC_OFFSET + 5] == b"ustar":
        return "a tar archive"
    if head[KINDLE_MAGIC_OFFSET : KINDLE_MAGIC_OFFSET + 8] == b"BOOKMOBI":
        return "a book of a kind that is not read"
    if encoding := utf16_without_mark(head):
        return _kind_of_text(_recoded(head, encoding))
    if len(head) - len(head.translate(None, _CONTROLS)) > MAX_CONTROLS * len(head):
        return "a binary file"
    return _kind_of_text(head)


def _recoded(head: bytes, encoding: str) -> bytes:
    return head.decode(encoding, "replace").encode()


def _kind_of_text(head: bytes) -> FileKind:
    start = head.lstrip()
    while comment := _COMMENT.match(start):
        start = start[comment.end() :].lstrip()
    start = start.lower()
    xhtml = start.startswith(b"<?xml") and b"<html" in start
    return "a web page" if xhtml or start.startswith(_FIRST_TAGS) else "text"
