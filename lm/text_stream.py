"""Text from tokens as they come, whole characters at a time."""

import codecs

from lm.tokenizer import ESCAPE, Tokenizer


class TextStream:
    """Turns tokens into text; what may be the beginning of a character waits for its end.

    All that `add` and `rest` return, put together, is what the tokenizer makes of all tokens at once.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._waiting: list[int] = []

    def add(self, token: int) -> str:
        """Take in a token; return the text that is certain now, often none."""
        self._waiting.append(token)
        certain = len(self._waiting) - self._unfinished()
        text = self._tokenizer.decode(self._waiting[:certain])
        if text.endswith(ESCAPE):
            return ""
        del self._waiting[:certain]
        return text

    def rest(self) -> str:
        """The text of what still waits when no token follows."""
        text = self._tokenizer.decode(self._waiting)
        self._waiting = []
        return text

    def _unfinished(self) -> int:
        """How many tokens at the end are the first bytes of a character that is not there whole."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in self._waiting:
            byte = self._tokenizer.byte(token)
            if byte is None:
                decoder.reset()
            else:
                decoder.decode(bytes([byte]))
        return len(decoder.getstate()[0])
