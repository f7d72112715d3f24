"""The checksum of a record, in the second line of its file: the SHA-256 of every byte after that line.

`tail -n +3 FILE | sha256sum` takes it again. Records that older versions wrote have none.
"""

import hashlib
import re

FIELD = "checksum"
_OPENING = "{\n"
_LINE = re.compile(rb'\{\n  "checksum": "sha256:([0-9a-f]{64})",\n')
_TRACES = (FIELD.encode(), b"sha256:")  # one of them is left of a line that was damaged in one place


def with_checksum(text: str) -> bytes:
    """The file of an indented JSON object, with its checksum."""
    rest = text.removeprefix(_OPENING).encode()
    return f'{_OPENING}  "{FIELD}": "sha256:{hashlib.sha256(rest).hexdigest()}",\n'.encode() + rest


def has_checksum(content: bytes) -> bool:
    """Whether a file was written with a checksum, even where that is damaged."""
    lines = content.split(b"\n", 2)
    return len(lines) > 1 and any(trace in lines[1] for trace in _TRACES)


def is_unchanged(content: bytes) -> bool:
    """Whether a file that was written with a checksum holds what was written."""
    found = _LINE.match(content)
    return found is not None and hashlib.sha256(content[found.end() :]).hexdigest().encode() == found[1]
