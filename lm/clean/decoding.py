"""From a file's bytes to text: which encoding, line ends, and characters that are no text."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

import ftfy

from lm.clean.encoding_detection import WESTERN, Detected, detect
from lm.text.file_kind import BYTE_ORDER_MARKS, HEAD_BYTES
from lm.text.utf16 import utf16_without_mark

BLOCK_BYTES = 2**20
SAMPLE_BYTES = 2**16  # of lines beyond ASCII, for the detector
CONTEXT_BYTES = 2**14  # of the beginning, whatever it is
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
REPLACEMENT = "\ufffd"  # stands where bytes could not be decoded
_DECLARED = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.I)
_JAPANESE_MAIL = (b"\x1b$B", b"\x1b$@")  # what begins Japanese in ISO-2022-JP, whose bytes are ASCII
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
    """Name the encoding of a text file: see `find_encoding`."""
    return find_encoding(path).encoding


def find_encoding(path: Path, chosen: str = "") -> Detected:
    """Find the encoding of a text file: by its byte-order mark, UTF-8 if it is, else by what its letters look like.

    `chosen` decides for a file that is neither marked nor UTF-8. A file that is UTF-8 but for some damaged bytes is
    called UTF-8: decode with `errors="replace"`.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if marked := _by_mark(head):
            return Detected(marked)
        if chosen and "\n".encode(chosen) != b"\n":  # UTF-16 and the like, which are UTF-8 by chance
            return Detected(chosen)
        if found := utf16_without_mark(head) or _japanese_mail(head) or ("utf-8" if _is_utf8(stream) else chosen):
            return Detected(found)
    return Detected(declared) if (declared := _declared(head)) else _by_statistics(path)


def chosen_encoding(settings: Sequence[str], name: str) -> str:
    """The encoding that `clean.encoding` states for the file of a name, "" where it states none."""
    pairs = [setting.rpartition("=") for setting in settings]
    named = [encoding for pattern, _, encoding in pairs if pattern and (pattern == name or fnmatchcase(name, pattern))]
    return next(iter(named), next((encoding for pattern, _, encoding in pairs if not pattern), ""))


def _by_mark(head: bytes) -> str | None:
    return next((marked for mark, marked in BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)


def _japanese_mail(head: bytes) -> str | None:
    return "iso2022_jp" if any(begin in head for begin in _JAPANESE_MAIL) and head.isascii() else None


def _by_statistics(path: Path) -> Detected:
    sample = _sample_beyond_ascii(path)
    if sample.is_damaged_utf8():
        return Detected("utf-8")
    return detect(sample.lines, sample.context)


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
    """Lines with bytes beyond ASCII, and the beginning of the text."""

    lines: bytes
    context: bytes
    valid_lines: int  # of UTF-8
    invalid_lines: int

    def is_damaged_utf8(self) -> bool:
        """Whether most lines are UTF-8, or most characters of a text without lines."""
        text = self.lines.decode("utf-8", "replace")
        broken = text.count(REPLACEMENT)
        whole = len(_BEYOND_ASCII.findall(text)) - broken
        return self.valid_lines > self.invalid_lines or whole > 2 * broken


def _sample_beyond_ascii(path: Path) -> _Sample:
    lines, counts, context = bytearray(), [0, 0], b""
    with path.open("rb") as stream:
        while len(lines) < SAMPLE_BYTES and (block := stream.read(BLOCK_BYTES)):
            context = context or block[:CONTEXT_BYTES]
            for line in block.split(b"\n"):
                if len(lines) >= SAMPLE_BYTES:
                    break
                if not line.isascii():
                    lines += line[: SAMPLE_BYTES - len(lines)] + b"\n"
                    counts[_decodes(line, "utf-8")] += 1
    return _Sample(bytes(lines), context, counts[True], counts[False])


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
