"""Text that a user hands over, read as UTF-8 or refused."""

import sys

from lm.errors import BadInput


def read_standard_input() -> str:
    """All of standard input as text. Raises BadInput when it is not UTF-8."""
    return decode_text(sys.stdin.buffer.read(), "standard input")


def decode_text(content: bytes, what: str) -> str:
    """Bytes as text, without a byte-order mark. Raises BadInput, naming `what` it is, when they are not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{what} is not UTF-8: got byte 0x{content[error.start]:02x} at {error.start:,}; "
            "convert it first, for example with `iconv -t UTF-8`"
        ) from None
