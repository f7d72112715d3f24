"""How deeply a JSON text nests, found while it streams by: a parser's time and memory grow with the square of that."""

import re
from itertools import accumulate

MAX_DEPTH = 100  # of lists and objects in each other
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_STRING_REST = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.S)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


class DepthCheck:
    """Follows the brackets of a JSON text, those in its strings left out."""

    def __init__(self) -> None:
        self._depth, self._in_string, self._waiting = 0, False, ""

    def is_too_deep(self, block: str) -> bool:
        """Take in what comes next, and say whether it nests deeper than a text does."""
        block, self._waiting = self._waiting + block, ""
        if self._in_string:
            end = _STRING_REST.match(block)
            assert end
            if end.end() >= len(block) or block[end.end()] == "\\":
                self._waiting = block[end.end() :]
                return False
            self._in_string, block = False, block[end.end() + 1 :]
        bare, quote, rest = _STRING.sub("", block).partition('"')
        if quote:
            self._in_string = True
            self._waiting = "\\" if (len(rest) - len(rest.rstrip("\\"))) % 2 else ""
        depths = list(accumulate(map(_STEPS.__getitem__, _NO_BRACKETS.sub("", bare)), initial=self._depth))
        self._depth = depths[-1]
        return max(depths) > MAX_DEPTH
