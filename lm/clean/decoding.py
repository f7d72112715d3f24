"""Which encoding a file of text is in."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from lm.clean.encoding_detection import WESTERN, Detected, decodes, detect
from lm.text.file_kind import BYTE_ORDER_MARKS, HEAD_BYTES
from lm.text.utf16 import utf16_without_mark

BLOCK_BYTES = 2**20
SAMPLE_BYTES = 2**16  # of lines beyond ASCII, for the detector
CONTEXT_BYTES = 2**14  # of the beginning, whatever it is
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
REPLACEMENT = "\ufffd"  # stands where bytes could not be decoded
_DECLARED = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.I)
_JAPANESE_MAIL = (b"\x1b$B", b"\x1b$@")  # what begins Japanese in ISO-2022-JP, whose bytes are ASCII


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
                    counts[decodes(line, "utf-8")] += 1
    return _Sample(bytes(lines), context, counts[True], counts[False])
