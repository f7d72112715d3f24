"""NaN and Infinity, which programs write into JSON though it has no such numbers, taken out while a text streams by."""

import re
from pathlib import Path

BLOCK_BYTES = 2**20
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_STRING_REST = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.S)
_STRING_OR_NUMBER = re.compile(rf"{_STRING.pattern}|-?\b(?:NaN|Infinity)\b", re.S)
_UNFINISHED_WORD = re.compile(r"-?[A-Za-z]{0,8}\Z")
_WORDS = (b"NaN", b"Infinity")


def has_odd_numbers(path: Path) -> bool:
    """Whether these words stand anywhere in a file, be it in its strings."""
    kept = b""
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            if any(word in kept + block for word in _WORDS):
                return True
            kept = block[-8:]
    return False


class OddNumbers:
    """Puts null in the place of each such number, and leaves strings as they are."""

    def __init__(self) -> None:
        self._in_string, self._waiting = False, ""

    def replaced(self, block: str) -> str:
        """Take in what comes next, "" at the end, and return what is certain of it."""
        if not block:
            rest, self._waiting = self._waiting, ""
            return _without(rest)
        block, self._waiting = self._waiting + block, ""
        done = ""
        if self._in_string:
            rest_of_string = _STRING_REST.match(block)
            assert rest_of_string
            end = rest_of_string.end()
            if end >= len(block) or block[end] == "\\":
                self._waiting = block[end:]
                return block[:end]
            self._in_string, done, block = False, block[: end + 1], block[end + 1 :]
        strings_end = max((match.end() for match in _STRING.finditer(block)), default=0)
        quote = block.find('"', strings_end)
        if quote < 0:
            unfinished = _UNFINISHED_WORD.search(block)
            assert unfinished
            self._waiting = unfinished[0]
            return done + _without(block[: unfinished.start()])
        self._in_string, opened = True, block[quote:]
        if (len(opened) - len(opened.rstrip("\\"))) % 2:
            self._waiting, opened = "\\", opened[:-1]
        return done + _without(block[:quote]) + opened


def _without(text: str) -> str:
    return _STRING_OR_NUMBER.sub(lambda match: match[0] if match[0].startswith('"') else "null", text)
