"""From a file's bytes to text: which encoding, line ends, and characters that are no text."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import charset_normalizer
import ftfy

from lm.text.file_kind import BYTE_ORDER_MARKS, HEAD_BYTES, utf16_without_mark

BLOCK_BYTES = 2**20
SAMPLE_BYTES = 2**17  # of lines beyond ASCII, for the detector
WESTERN = "cp1252"  # ISO-8859-1 and the punctuation that Windows added
SPARSE = 0.02  # share of bytes beyond ASCII below which a text is English or the like, with a few accents and quotes
COHERENCE_SLACK = 0.1  # of charset-normalizer's measure of how like a language a text is, from 0 to 1
_ASCII = bytes(range(128))
_LONG_RUN = re.compile(b"[\x80-\xff]{4}")  # a word of another script, where accents and quotes stand nearly alone
_DECLARED = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.I)
# Where UTF-8 was read as cp1252, cp1251 or MacRoman: the image of a first byte, then that of a following one. ftfy's
# own test of badness takes 0.4 s a megabyte; this one picks the lines that it looks at.
_MOJIBAKE = re.compile(
    "[\xc2-\xf4][\x80-\xbf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019\u201c"
    "\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]|\u0432\u0402|\u201a\xc4"
)
# C0 and C1 controls but tab and newline, halves of surrogate pairs, and byte-order marks left inside.
_ASCII_CONTROLS = bytes({*range(32), 127} - {9, 10})
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")


def detect_encoding(path: Path) -> str:
    """Name the encoding of a text file: by its byte-order mark, UTF-8 if it is, else what charset-normalizer finds.

    A file that is UTF-8 but for some damaged lines is called UTF-8: decode with `errors="replace"`.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        return _by_head(head) or ("utf-8" if _is_utf8(stream) else _declared(head) or _by_statistics(path))


def _by_head(head: bytes) -> str | None:
    for mark, marked in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return marked
    return utf16_without_mark(head)


def _by_statistics(path: Path) -> str:
    sample = _sample_beyond_ascii(path)
    if sample.valid_lines > sample.invalid_lines:
        return "utf-8"
    if sample.share_beyond_ascii < SPARSE and not _LONG_RUN.search(sample.lines) and _decodes(sample.lines, WESTERN):
        return WESTERN
    return _detect(sample.lines)


def _declared(head: bytes) -> str | None:
    """The encoding that a page says it has, if Python knows it and it can hold what is not UTF-8."""
    if not (match := _DECLARED.search(head)):
        return None
    try:
        name = codecs.lookup(match[1].decode()).name
        b"text".decode(name)
    except (LookupError, UnicodeError):  # unknown, or no encoding of text
        return None
    return None if name.startswith(("utf", "ascii")) else WESTERN if name == "iso8859-1" else name


def _detect(lines: bytes) -> str:
    matches = charset_normalizer.from_bytes(lines)
    if not (best := matches.best()):
        return WESTERN
    western = (match for match in matches if WESTERN in (match.encoding, *match.could_be_from_charset))
    as_good = any(m.chaos <= best.chaos and m.coherence >= best.coherence - COHERENCE_SLACK for m in western)
    return WESTERN if as_good else best.encoding


def _is_utf8(stream: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(BLOCK_BYTES):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(slots=True)
class _Sample:
    """Lines with bytes beyond ASCII, and what was seen until enough of them were found."""

    lines: bytes
    valid_lines: int  # of UTF-8
    invalid_lines: int
    share_beyond_ascii: float  # of all bytes


def _sample_beyond_ascii(path: Path) -> _Sample:
    lines, counts, read_bytes, high_bytes = bytearray(), [0, 0], 0, 0
    with path.open("rb") as stream:
        while len(lines) < SAMPLE_BYTES and (block := stream.read(BLOCK_BYTES)):
            read_bytes += len(block)
            high_bytes += len(block.translate(None, _ASCII))
            for line in block.split(b"\n"):
                if not line.isascii():
                    lines += line[: SAMPLE_BYTES - len(lines)] + b"\n"
                    counts[_decodes(line, "utf-8")] += 1
    return _Sample(bytes(lines), counts[True], counts[False], high_bytes / read_bytes)


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def drop_control_characters(text: str) -> tuple[str, int]:
    """Return the text without NULs, controls and lone surrogates, and how many of them there were."""
    if text.isascii():  # six times as fast as the pattern
        kept = text.encode().translate(None, _ASCII_CONTROLS)
        return (kept.decode(), len(text) - len(kept)) if len(kept) < len(text) else (text, 0)
    return _NO_TEXT.subn("", text)


def repair_mojibake(text: str) -> tuple[str, int]:
    """Return the text with lines mended that were once decoded in a wrong encoding (`cafÃ©`), and how many these were.

    Nothing but the encoding is mended: quotes, ligatures, widths and entities stay as they were written.
    """
    if text.isascii() or not _MOJIBAKE.search(text):
        return text, 0
    lines, mended = text.split("\n"), 0
    for index, line in enumerate(lines):
        if _MOJIBAKE.search(line) and (better := ftfy.fix_encoding(line)) != line:
            lines[index] = better
            mended += 1
    return "\n".join(lines), mended
