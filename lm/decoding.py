"""From a file's bytes to text: which encoding, line ends, and characters that are no text."""

import codecs
import re
from pathlib import Path

import charset_normalizer

BLOCK_BYTES = 2**20
SAMPLE_BYTES = 2**17  # of lines beyond ASCII, for the detector
WESTERN = "cp1252"  # ISO-8859-1 and the punctuation that Windows added
COHERENCE_SLACK = 0.1  # of charset-normalizer's measure of how like a language a text is, from 0 to 1
# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
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
    sample, valid, invalid = _lines_beyond_ascii(path)
    if valid > invalid:
        return "utf-8"
    matches = charset_normalizer.from_bytes(sample)
    if not (best := matches.best()):
        return WESTERN
    # A few accents or curly quotes among English leave many encodings equally clean: then the commonest is meant.
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


def _lines_beyond_ascii(path: Path) -> tuple[bytes, int, int]:
    """Return up to `SAMPLE_BYTES` of lines with bytes beyond ASCII; how many of those are UTF-8, how many are not."""
    sample, counts = bytearray(), [0, 0]
    with path.open("rb") as stream:
        while len(sample) < SAMPLE_BYTES and (block := stream.read(BLOCK_BYTES)):
            for line in block.split(b"\n"):
                if not line.isascii():
                    sample += line[: SAMPLE_BYTES - len(sample)] + b"\n"
                    counts[_is_valid(line)] += 1
    return bytes(sample), counts[True], counts[False]


def _is_valid(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def drop_control_characters(text: str) -> tuple[str, int]:
    """Return the text without NULs, controls and lone surrogates, and how many of them there were."""
    return _NO_TEXT.subn("", text)
