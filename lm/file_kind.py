"""Whether a file is text at all, judged by its beginning."""

import codecs
from typing import Literal

HEAD_BYTES = 8192
MOST_CONTROLS = 0.02  # share of control characters; random bytes have 0.11, text has none but strays

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

FileKind = Literal["text", "a web page", "a binary file", "an empty file"]

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b") | {127})
_MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"7z\xbc\xaf")
_WEB_PAGE = (b"<!doctype html", b"<html")


def file_kind(head: bytes) -> FileKind:
    """Judge a file by its first `HEAD_BYTES` bytes."""
    if not head:
        return "an empty file"
    if any(head.startswith(mark) for mark in BYTE_ORDER_MARKS):
        return "text"
    if head.startswith(_MAGIC):
        return "a binary file"
    if len(head) - len(head.translate(None, _CONTROLS)) > MOST_CONTROLS * len(head):
        return "a binary file"
    return "a web page" if head.lstrip().lower().startswith(_WEB_PAGE) else "text"
