"""From a file's bytes to text: which encoding, line ends, and characters that are no text."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from lm.file_kind import BYTE_ORDER_MARKS

BLOCK_BYTES = 2**20
SAMPLE_BYTES = 2**17  # of lines beyond ASCII, for the detector
WESTERN = "cp1252"  # ISO-8859-1 and the punctuation that Windows added
SPARSE = 0.02  # share of bytes beyond ASCII below which a text is English or the like, with a few accents and quotes
COHERENCE_SLACK = 0.1  # of charset-normalizer's measure of how like a language a text is, from 0 to 1
_ASCII = bytes(range(128))
_LONG_RUN = re.compile(b"[\x80-\xff]{4}")  # a word of another script, where accents and quotes stand nearly alone
# C0 and C1 controls but tab and newline, halves of surrogate pairs, and byte-order marks left inside.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")


def detect_encoding(path: Path) -> str:
    """Name the encoding of a text file: by its byte-order mark, UTF-8 if it is, else what charset-normalizer finds.

    A file that is UTF-8 but for some damaged lines is called UTF-8: decode with `errors="replace"`.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if _is_utf8(path):
        return "utf-8"
    sample = _sample_beyond_ascii(path)
    if sample.valid_lines > sample.invalid_lines:
        return "utf-8"
    if sample.share_beyond_ascii < SPARSE and not _LONG_RUN.search(sample.lines) and _decodes(sample.lines, WESTERN):
        return WESTERN
    return _detect(sample.lines)


def _detect(lines: bytes) -> str:
    matches = charset_normalizer.from_bytes(lines)
    if not (best := matches.best()):
        return WESTERN
    western = (match for match in matches if WESTERN in (match.encoding, *match.could_be_from_charset))
    as_good = any(m.chaos <= best.chaos and m.coherence >= best.coherence - COHERENCE_SLACK for m in western)
    return WESTERN if as_good else best.encoding


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
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
    return _NO_TEXT.subn("", text)
