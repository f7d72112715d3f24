"""UTF-16 without a byte-order mark, told by what hardly any other file has: spaces and line ends of two bytes."""

import unicodedata
from collections import Counter

MIN_BYTES = 8
MIN_ANCHORS = 0.01  # share of spaces, line ends, commas and full stops; of Chinese it is 0.05
MAX_STRANGE = 0.02  # share of characters that are controls or none at all
MIN_OF_SCRIPT = 0.9  # share of ASCII and of one other script: numbers that are no text are of many
_ANCHORS = " \n\r\u3000\u3001\u3002\uff0c"
_HALVES = b"\0\1\2"  # of anchors; text in other encodings has none of them
_NEUTRAL = range(0x2000, 0x2100)  # quotes, dashes and the like, of any script
_STRANGE = ("Cc", "Cn", "Co", "Cs")
_IDEOGRAPHIC = (range(0x2E80, 0xA000), range(0xAC00, 0xD7B0), range(0xF900, 0xFB00), range(0xFF00, 0xFFF0))


def utf16_without_mark(head: bytes) -> str | None:
    """Name the UTF-16 of a text without byte-order mark by its beginning; None for any other file."""
    if len(head) < MIN_BYTES or not any(half in head for half in _HALVES):
        return None
    whole = head[: len(head) // 2 * 2]
    anchors = {name: _anchors(whole.decode(name, "replace")) for name in ("utf-16-le", "utf-16-be")}
    return max(anchors, key=anchors.__getitem__) if any(anchors.values()) else None


def _anchors(text: str) -> float:
    """Share of spaces, line ends and the like of a text; 0.0 where it is none."""
    counted = Counter(text[:-1] + text[-1:].replace("\ufffd", ""))  # the last may have been cut in two
    total = counted.total()
    anchors = sum(counted[anchor] for anchor in _ANCHORS) / total
    strange = sum(count for character, count in counted.items() if _is_strange(character))
    if anchors < MIN_ANCHORS or strange > MAX_STRANGE * total:
        return 0.0
    scripts = Counter[int]()
    for character, count in counted.items():
        scripts[_block(ord(character))] += count
    others = [count for block, count in scripts.most_common() if block > 0]
    share = (scripts[-1] + scripts[0] + (others[0] if others else 0)) / total
    return anchors if share >= MIN_OF_SCRIPT else 0.0


def _is_strange(character: str) -> bool:
    return character == "\ufffd" or (unicodedata.category(character) in _STRANGE and character not in "\t\n\r\f")


def _block(code: int) -> int:
    """A number of the script: 0 for Latin, -1 for what all have."""
    if code in _NEUTRAL:
        return -1
    if code < 0x250 or code in range(0x1E00, 0x1F00):
        return 0
    if any(code in block for block in _IDEOGRAPHIC):
        return 0x4E
    return code >> 8
